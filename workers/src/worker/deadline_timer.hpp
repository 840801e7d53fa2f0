// The kernel's timer that ends a worker whose task outlives its deadline and its host's attention.
#pragma once

#include <cstdint>
#include <ctime>

namespace workit::workers {

/// Sends SIGKILL to this process at a point of CLOCK_MONOTONIC. Threads: the worker's one.
class deadline_timer {
 public:
  /// Where the kernel has no timer left, set() does nothing: the host keeps the deadline too.
  deadline_timer() noexcept;
  deadline_timer(const deadline_timer&) = delete;
  deadline_timer& operator=(const deadline_timer&) = delete;
  ~deadline_timer();

  /// In nanoseconds; an instant that has passed expires at once.
  void set(std::int64_t at_ns) noexcept;
  void cancel() noexcept;
  /// Nanoseconds until it expires; 0 when it is not set.
  [[nodiscard]] std::int64_t left_ns() const noexcept;

 private:
  timer_t timer_{};
  bool exists_ = false;
};

}  // namespace workit::workers
