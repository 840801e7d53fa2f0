// A watchdog over tests: one that hangs shows its trees and ends the program.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace workit::test {

/// Prints workit::process_tree() to standard error and aborts, or calls `then`, when a test takes longer than `bound`.
/// Threads: any.
class watchdog {
 public:
  explicit watchdog(std::chrono::microseconds bound, std::function<void()> then = std::abort);
  ~watchdog();
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;

  /// From now on `test` has the bound's time, until rest().
  void guard(std::string test);
  void rest();

  /// Guards every test of this program, 300 s each (900 under a sanitizer, or WORKIT_TEST_WATCHDOG seconds); longer
  /// than any of them takes on a slow machine, shorter than the time-out of the waiting test.
  static void over_all_tests();

 private:
  void watch();

  const std::chrono::microseconds bound_;
  const std::function<void()> then_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string test_;  // guarded by mutex_, as all below; empty while there is none
  std::chrono::steady_clock::time_point until_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace workit::test
