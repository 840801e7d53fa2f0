// The armed cells, and the timer descriptor that is readable when the earliest is due.
#pragma once

#include <memory>
#include <vector>
#include <workit/base/cancel_cell.hpp>
#include <workit/base/thread_mutex.hpp>
#include <workit/base/timer_fd.hpp>
#include <workit/base/timer_heap.hpp>

namespace workit::preempt {

/// Threads: any. Blocks: for its own short lock. Lifetime: the owner of an armed cell disarms it before it releases it.
class deadline_timer {
 public:
  /// A cell that was due, taken out.
  struct expired {
    std::shared_ptr<cancel_cell> cell;
    deadline_point at;
    duration lateness;
  };

  /// Errors: std::system_error when descriptors have run out.
  explicit deadline_timer(clock_source& clock);
  /// Forgets the cells that are still armed.
  ~deadline_timer();

  void arm(cancel_cell& cell, time_point at);
  void disarm(cancel_cell& cell) noexcept;
  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] time_point now() const { return clock_.now(); }

  /// Readable once a cell may be due.
  [[nodiscard]] int descriptor() const noexcept { return timer_.get(); }
  /// Takes out every cell that is due, earliest first, and sets the timer to the next one.
  [[nodiscard]] std::vector<expired> take_due();

 private:
  void set_timer() WORKIT_REQUIRES(mutex_);

  clock_source& clock_;
  timer_fd timer_;
  mutable thread_mutex mutex_;
  timer_heap heap_ WORKIT_GUARDED_BY(mutex_);
  time_point set_to_ WORKIT_GUARDED_BY(mutex_);  // what the timer is set to; max when off
};

}  // namespace workit::preempt
