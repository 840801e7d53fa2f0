// What the guests do.
#include "guests.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <thread>

namespace workit::chaos::guests {

std::uint64_t mix(std::uint64_t x, std::uint64_t rounds) {
  for (; rounds != 0; --rounds) {
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdULL;
    x += rounds;
  }
  return x;
}

std::vector<std::uint32_t> numbers(std::uint32_t first, std::uint32_t count) {
  std::vector<std::uint32_t> all(count);
  std::iota(all.begin(), all.end(), first);
  return all;
}

std::uint64_t sum(const std::vector<std::uint32_t>& of) { return std::accumulate(of.begin(), of.end(), 0ULL); }

std::uint64_t sum_of_buffer(const shared_buffer& of) {
  const auto words = of.read<std::uint32_t>();
  return std::accumulate(words.begin(), words.end(), 0ULL);
}

int spin() {
  for (volatile unsigned n = 0;;) n = n + 1;
}

int churn() {
  for (std::vector<std::vector<char>> blocks;;) {
    blocks.emplace_back(1 + blocks.size() * 37 % 20'000, 'x');
    if (blocks.size() > 500) blocks.clear();
  }
}

int fail(int number) { throw std::out_of_range("chaos " + std::to_string(number)); }

int crash(int how) {
  switch (how % 4) {
    case 0:
      return raise(SIGSEGV);
    case 1:
      std::abort();
    case 2:
      _exit(3);
    default:
      ::close(STDERR_FILENO);  // what std::terminate says is no news
      []() noexcept { fail(0); }();
      return 0;
  }
}

int take_memory(std::uint64_t bytes) {
  constexpr std::uint64_t step = 1 << 20;
  std::vector<std::vector<char>> blocks;
  for (std::uint64_t taken = 0; taken < bytes; taken += step) blocks.emplace_back(step, 'x');
  return static_cast<int>(blocks.size());
}

int stream(worker_sender<std::uint64_t> to, std::uint64_t first, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) to.send(first + i);
  return static_cast<int>(count);
}

std::uint64_t nested(context& ctx, std::uint64_t tasks) {
  return ctx.scope([&](scope& s) {
    std::vector<task<std::uint64_t>> all;
    for (std::uint64_t i = 0; i < tasks; ++i)
      all.push_back(s.spawn([i](context& own) {
        own.yield();
        return mix(i, 10);
      }));
    std::uint64_t sum = 0;
    for (auto& each : all) sum += each.get();
    return sum;
  });
}

int leave(int what) {
  switch (what % 3) {
    case 0:
      std::thread([] { ::pause(); }).detach();
      return 1;
    case 1:
      if (::fork() == 0) {
        ::pause();
        ::_exit(0);
      }
      return 1;
    default:
      return ::dup(0) >= 0 ? 1 : 0;
  }
}

int polite(worker_context& ctx) {
  while (!ctx.stopping())
    for (volatile int n = 0; n < 1000;) n = n + 1;
  return 1;
}

}  // namespace workit::chaos::guests
