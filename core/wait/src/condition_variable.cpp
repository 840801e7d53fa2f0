// condition_variable: a queue beside a mutex.
//
// Invariants
// 1. A waiter is in the queue before its mutex is unlocked: a notifier that has changed the condition under the mutex
//    finds it there.
// 2. wait() ends with the mutex held, whichever way, so locking it again is no cancel point.
// Lock order: lock_ is a leaf; the mutex's own is never taken under it.
#include <workit/wait/condition_variable.hpp>

#include <workit/base/assert.hpp>

namespace workit {

void condition_variable::wait(std::unique_lock<mutex>& held) {
  using detail::wait_queue;
  WORKIT_ASSERT(held.owns_lock() && held.mutex()->is_callers(),
                "a condition variable was waited on with a lock that does not hold its mutex: lock it first");
  detail::enter_wait("waiting on a condition variable");
  auto& m = *held.mutex();
  detail::waiter w;
  {
    const std::lock_guard lock(lock_);
    waiting_.push(w);
  }
  m.unlock();
  const auto end = wait_queue::await(w, lock_);
  m.acquire(wait_queue::cancel_point::no);
  if (end == detail::wait_end::withdrawn) detail::leave_wait();
}

void condition_variable::notify_one() noexcept {
  detail::waiter* first = nullptr;
  {
    const std::lock_guard lock(lock_);
    first = waiting_.pop();
  }
  if (first != nullptr) first->wake();
}

void condition_variable::notify_all() noexcept {
  detail::wait_queue chosen;
  {
    const std::lock_guard lock(lock_);
    chosen.take(waiting_);
  }
  chosen.wake_all(lock_);
}

}  // namespace workit
