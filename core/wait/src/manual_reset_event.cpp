// manual_reset_event: a flag and its waiters.
//
// Invariants
// 1. The queue is empty while the flag is set. set() takes all waiters out at once.
// Lock order: lock_ is a leaf.
#include <workit/wait/manual_reset_event.hpp>

namespace workit {

void manual_reset_event::wait() {
  detail::enter_wait("waiting for an event");
  std::unique_lock lock(lock_);
  if (set_) return;
  detail::waiter w;
  detail::wait_in(waiting_, w, lock);
}

void manual_reset_event::set() noexcept {
  detail::wait_queue released;
  {
    const std::lock_guard lock(lock_);
    set_ = true;
    released.take(waiting_);
  }
  released.wake_all(lock_);
}

void manual_reset_event::reset() noexcept {
  const std::lock_guard lock(lock_);
  set_ = false;
}

bool manual_reset_event::is_set() const noexcept {
  const std::lock_guard lock(lock_);
  return set_;
}

}  // namespace workit
