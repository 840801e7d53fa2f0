// condition_variable: waiting, on a mutex, for a condition that others make true.
#pragma once

#include <mutex>
#include <workit/wait/mutex.hpp>

namespace workit {

/// As std::condition_variable, for fibers of any loop and foreign threads, with cancellable waits. It wakes in the
/// order of waiting, and never without cause.
///
/// Threads: any. Lifetime: outlives its waiters.
class condition_variable {
 public:
  condition_variable() = default;
  condition_variable(const condition_variable&) = delete;
  condition_variable& operator=(const condition_variable&) = delete;

  /// Unlocks `held`, waits for a notification, and locks again. Blocks: the fiber, or the foreign thread. Cancel: is a
  /// cancel point; it throws with the mutex held, as it found it, and a notification that has chosen this waiter
  /// already is taken, not lost. While an exception unwinds the fiber it waits on. Errors: asserts that `held` holds
  /// its mutex, and that it is not called on a loop's own stack.
  void wait(std::unique_lock<mutex>& held);
  /// Waits until `ready()`, which is called with the mutex held. Cancel: a cancel point also when it is true at once.
  template <class Ready>
  void wait(std::unique_lock<mutex>& held, Ready ready) {
    detail::enter_wait("waiting on a condition variable");
    while (!ready()) wait(held);
  }

  /// Wakes the one that has waited longest, if any. Blocks: no. Threads: any, with or without the mutex.
  void notify_one() noexcept;
  /// Wakes all that wait now.
  void notify_all() noexcept;

 private:
  detail::spin_lock lock_;
  detail::wait_queue waiting_;  // guarded by lock_
};

}  // namespace workit
