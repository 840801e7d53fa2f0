// Sees to it that what has begun ends: else it shows the trees and ends the program.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>

namespace workit::chaos {

class monitor {
 public:
  /// `about`: what to print besides, such as the seed.
  monitor(std::chrono::seconds patience, std::string about);
  ~monitor();
  monitor(const monitor&) = delete;
  monitor& operator=(const monitor&) = delete;

  /// While it lives, `what` is under way on its thread.
  class entry {
   public:
    entry(monitor& in, const char* what);
    ~entry();
    entry(const entry&) = delete;
    entry& operator=(const entry&) = delete;

   private:
    std::atomic<const char*>& what_;
  };

 private:
  struct slot {
    std::atomic<const char*> what{nullptr};
    std::atomic<std::int64_t> since_ms{0};
  };
  void watch();

  const std::chrono::seconds patience_;
  const std::string about_;
  std::array<slot, 16> slots_;
  std::atomic<bool> over_{false};
  std::thread thread_;
};

}  // namespace workit::chaos
