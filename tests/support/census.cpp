// How many threads and descriptors this process has.
#include "census.hpp"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

namespace workit::test {
namespace {

std::size_t entries_of(const char* folder) {
  std::size_t n = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++n;
  return n;
}

/// A sanitizer starts a thread of its own with the first thread of the program: starts one, so that it is counted.
bool start_the_first_thread() {
  std::string entry;
  std::thread([&] { entry = "/proc/self/task/" + std::to_string(gettid()); }).join();
  while (std::filesystem::exists(entry)) std::this_thread::yield();  // a joined thread leaves /proc a moment later
  return true;
}

}  // namespace

census census::take() {
  static const bool begun = start_the_first_thread();
  static_cast<void>(begun);
  return {entries_of("/proc/self/task"), entries_of("/proc/self/fd")};
}

census census::settle(const census& before) {
  auto now = take();
  for (int tries = 0; tries < 10'000 && (now.threads > before.threads || now.descriptors > before.descriptors);
       ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    now = take();
  }
  return now;
}

std::string census::descriptors_by_name() {
  std::string all;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;  // the descriptor of this very iteration is one of them
    const auto target = std::filesystem::read_symlink(entry.path(), gone);
    if (!gone) all += entry.path().filename().string() + " -> " + target.string() + '\n';
  }
  return all;
}

}  // namespace workit::test
