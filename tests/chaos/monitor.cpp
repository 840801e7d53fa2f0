// Looks ten times a second.
#include "monitor.hpp"

#include <unistd.h>

#include <cstdio>
#include <workit/status/print_tree_on.hpp>

namespace workit::chaos {
namespace {

constexpr const char* taken = "";

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace

monitor::monitor(std::chrono::seconds patience, std::string about)
    : patience_(patience), about_(std::move(about)), thread_([this] { watch(); }) {}

monitor::~monitor() {
  over_ = true;
  thread_.join();
}

monitor::entry::entry(monitor& in, const char* what)
    : what_([&]() -> std::atomic<const char*>& {
        for (;;)
          for (auto& slot : in.slots_) {
            const char* none = nullptr;
            if (!slot.what.compare_exchange_strong(none, taken)) continue;
            slot.since_ms = now_ms();
            slot.what = what;
            return slot.what;
          }
      }()) {}

monitor::entry::~entry() { what_ = nullptr; }

void monitor::watch() {
  while (!over_) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    for (auto& slot : slots_) {
      const char* what = slot.what;
      if (what == nullptr || what == taken || now_ms() - slot.since_ms < std::chrono::milliseconds(patience_).count())
        continue;
      std::fprintf(stderr, "chaos: %s has not ended after %ld s; %s\n%s\n", what, static_cast<long>(patience_.count()),
                   about_.c_str(), process_tree(std::chrono::seconds(1)).c_str());
      ::_exit(1);
    }
  }
}

}  // namespace workit::chaos
