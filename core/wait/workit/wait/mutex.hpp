// mutex: mutual exclusion among fibers of any loop and threads, cancellable and fair.
#pragma once

#include <workit/wait/detail/wait_queue.hpp>

namespace workit {

class condition_variable;

/// For std::lock_guard, std::unique_lock and std::scoped_lock, and for what is held across a suspension; fibers of one
/// loop that do not suspend need no lock. First come, first served: unlock() hands the mutex to the waiter that has
/// waited longest, so that no caller overtakes. Not recursive.
///
/// Threads: any, fibers of any loop and foreign threads alike. Lifetime: outlives its holder and its waiters.
class mutex {
 public:
  mutex() = default;
  /// Errors: asserts that it has neither a holder nor waiters.
  ~mutex();
  mutex(const mutex&) = delete;
  mutex& operator=(const mutex&) = delete;

  /// Blocks: the fiber, or the foreign thread, until the mutex is the caller's. Cancel: is a cancel point; while an
  /// exception unwinds the fiber it waits on, without a bound. Errors: asserts that the caller does not hold it
  /// already, and that it is not called on a loop's own stack.
  void lock();
  /// Whether the mutex was free and is now the caller's. Blocks: no. Cancel: no cancel point.
  [[nodiscard]] bool try_lock() noexcept;
  /// Blocks: no. Errors: asserts that the caller holds it: the fiber or thread that locked it.
  void unlock() noexcept;

 private:
  friend class condition_variable;

  void acquire(detail::wait_queue::cancel_point can_end);
  [[nodiscard]] bool is_callers() noexcept;

  detail::spin_lock lock_;
  const void* holder_ = nullptr;  // guarded by lock_, like waiting_
  detail::wait_queue waiting_;
};

}  // namespace workit
