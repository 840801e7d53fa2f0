// The observer's side of the stamp.
#include "stamp.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <chrono>
#include <new>
#include <system_error>
#include <thread>

namespace peers {

namespace {

using namespace std::chrono_literals;

constexpr int looks = 10;
constexpr std::int64_t look_ns = 5'000'000;
constexpr std::int64_t glance_ns = 20'000;  // shorter than two switches of context
constexpr auto still_for = 50ms;            // longer than a victim waits for its processor
constexpr std::int64_t give_up_after_ns = 1'000'000'000;

}  // namespace

stamp::stamp() {
  void* page = mmap(nullptr, sizeof *word_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "a shared page for the stamp");
  word_ = new (page) std::atomic<std::int64_t>{0};
}

stamp::~stamp() { munmap(word_, sizeof *word_); }

void stamp::wait_until_running() const {
  while (read() == 0) std::this_thread::sleep_for(1ms);
  std::this_thread::sleep_for(5ms);
  // A mark made while this thread was looking, without a pause in which the two could have taken turns. It looks
  // without sleeping, for two threads that share a processor are moved apart only when both want it.
  for (int look = 0; look < looks; ++look) {
    for (const auto end = now() + look_ns; now() < end;) {
      const auto began = now();
      while (read() < began && now() - began < glance_ns) {
      }
      if (read() >= began && now() - began < glance_ns) return;
    }
    std::this_thread::sleep_for(1ms);
  }
}

std::optional<std::int64_t> stamp::last() const {
  const auto give_up = now() + give_up_after_ns;
  while (now() < give_up) {
    const auto before = read();
    std::this_thread::sleep_for(still_for);
    if (read() == before) return before;
  }
  return std::nullopt;
}

}  // namespace peers
