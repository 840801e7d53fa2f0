// semaphore: permits, free or handed to the first in the queue.
//
// Invariants
// 1. The queue is empty while a permit is free.
// 2. release() touches nothing here after it has woken the last waiter that it serves: that one may destroy the
// semaphore. Lock order: lock_ is a leaf.
#include <workit/wait/semaphore.hpp>

#include <string>
#include <utility>
#include <workit/base/assert.hpp>

#include <workit/base/detail/check_option.hpp>

namespace workit {

semaphore::semaphore(std::size_t permits) : free_(permits) {
  WORKIT_CHECK_OPTION(permits <= most, "a semaphore was made with " + std::to_string(permits) +
                                           " permits (a negative number?); it may have 0 to 2,147,483,648");
}

void semaphore::acquire() {
  detail::enter_wait("acquiring a semaphore");
  std::unique_lock lock(lock_);
  if (free_ > 0) {
    --free_;
    return;
  }
  detail::waiter w;
  detail::wait_in(waiting_, w, lock);
}

bool semaphore::try_acquire() noexcept {
  const std::lock_guard lock(lock_);
  if (free_ == 0) return false;
  --free_;
  return true;
}

void semaphore::release(std::size_t permits) noexcept {
  while (permits > 0) {
    detail::waiter* next = nullptr;
    {
      const std::lock_guard lock(lock_);
      next = waiting_.pop();
      if (next != nullptr) {
        --permits;
      } else {
        WORKIT_ASSERT(permits <= most - free_, "a semaphore was released with " + std::to_string(permits) +
                                                   " permits while " + std::to_string(free_) +
                                                   " are free; it may have 2,147,483,648 at most");
        free_ += std::exchange(permits, 0);
      }
    }
    if (next != nullptr) next->wake();
  }
}

std::size_t semaphore::available() const noexcept {
  const std::lock_guard lock(lock_);
  return free_;
}

}  // namespace workit
