// stall_detector: a thread that watches the I/O threads of a runtime for one that is held.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>
#include <workit/base/thread_mutex.hpp>
#include <workit/scope/stall_report.hpp>

namespace workit::detail {

class loop;

/// A thread that looks at the beats of the loops four times in `after`. Lifetime: ends its thread.
class stall_detector {
 public:
  using listener = std::function<void(const stall_report&)>;
  /// Tells `tell` on its own thread; without one, standard error.
  stall_detector(const std::vector<std::shared_ptr<loop>>& loops, duration after, listener tell);
  ~stall_detector();
  stall_detector(const stall_detector&) = delete;
  stall_detector& operator=(const stall_detector&) = delete;

 private:
  struct watched {
    std::shared_ptr<loop> which;
    std::uint64_t beats = 0;
    duration held{};      // how long the beats have not changed
    duration cpu_then{};  // the thread's CPU time when they changed last
    duration told_at{};   // the length of the stall at its last report
    std::uint64_t nth = 0;
  };

  void run();
  void look(watched& one, duration passed);
  [[nodiscard]] static bool is_held(const watched& one, duration after);
  void report(watched& one);
  [[nodiscard]] bool within_limit();

  const duration after_;
  const listener tell_;
  std::vector<watched> all_;
  std::deque<time_point> told_;  // within the last minute
  std::uint64_t suppressed_ = 0;
  thread_mutex mutex_;
  std::condition_variable changed_;
  bool ending_ WORKIT_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace workit::detail
