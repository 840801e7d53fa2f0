// mutex: ownership, handed from the holder to the first in the queue.
//
// Invariants
// 1. The queue is empty while there is no holder. unlock() names the next holder under the lock before it wakes that
//    one: no caller can overtake between the two.
// Lock order: lock_ is a leaf.
#include <workit/wait/mutex.hpp>

#include <workit/base/assert.hpp>

namespace workit {

mutex::~mutex() {
  WORKIT_ASSERT(holder_ == nullptr, "a mutex was destroyed while it was locked: join the tasks that use it first");
}

void mutex::lock() {
  detail::enter_wait("locking a mutex");
  acquire(detail::wait_queue::cancel_point::yes);
}

void mutex::acquire(detail::wait_queue::cancel_point can_end) {
  const auto* self = detail::caller();
  std::unique_lock lock(lock_);
  if (holder_ == nullptr) {
    holder_ = self;
    return;
  }
  WORKIT_ASSERT(holder_ != self,
                "a mutex was locked again by the fiber or thread that holds it: it would wait for "
                "itself for ever. Unlock it first, or pass the lock on");
  detail::waiter w;
  waiting_.push(w);
  lock.unlock();
  if (detail::wait_queue::await(w, lock_, can_end) == detail::wait_end::withdrawn) detail::leave_wait();
}

bool mutex::try_lock() noexcept {
  const auto* self = detail::caller();
  const std::lock_guard lock(lock_);
  if (holder_ != nullptr) return false;
  holder_ = self;
  return true;
}

void mutex::unlock() noexcept {
  const auto* self = detail::caller();
  detail::waiter* next = nullptr;
  {
    const std::lock_guard lock(lock_);
    WORKIT_ASSERT(holder_ == self,
                  "a mutex was unlocked by a fiber or thread that does not hold it: each unlocks what it locked");
    next = waiting_.pop();
    holder_ = next != nullptr ? next->owner() : nullptr;
  }
  if (next != nullptr) next->wake();
}

bool mutex::is_callers() noexcept {
  const std::lock_guard lock(lock_);
  return holder_ == detail::caller();
}

}  // namespace workit
