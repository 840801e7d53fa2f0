// wait_queue: waiters in order, chosen by one thread and woken once.
//
// Invariants
// 1. A waiter is linked while it may still be chosen. Linking and unlinking happen under the lock of the queue's owner,
//    so that either a chooser unlinks it, or it withdraws itself, never both.
// 2. A chosen waiter leaves await() only after its wake(), also when its scope is stopping: so what the chooser hands
//    over, outside the lock, arrives. Granted wins over cancelled; the cancellation fires at the next cancel point.
// 3. over_ is read and written on the waiter's home loop only. A wake from elsewhere is a post to it, so that the
//    waiter, on the fiber's stack, cannot be gone before the post has run; the waker keeps the loop until then.
// 4. A foreign thread goes on only when the waker has stored `left_alone`: notify_one() still refers to the signal
// after
//    the thread has seen it.
// Lock order: the owner's lock is a leaf; nothing is called under it, and no two are ever held.
#include <workit/wait/detail/wait_queue.hpp>

#include <exception>
#include <thread>
#include <workit/base/assert.hpp>
#include <workit/fiber/detail/fiber.hpp>
#include <workit/fiber/detail/loop.hpp>

namespace workit::detail {

void enter_wait(const char* act) {
  if (auto* self = fiber::current())
    self->check();
  else if (loop::current() != nullptr)
    fiber::require(act);
}

const void* caller() noexcept {
  static thread_local const char this_thread = 0;
  const auto* self = fiber::current();
  return self != nullptr ? static_cast<const void*>(self) : &this_thread;
}

waiter::waiter(void* place) noexcept : place_(place), owner_(caller()), fiber_(fiber::current()) {}

void waiter::wake(wait_end how) noexcept {
  if (fiber_ == nullptr) {
    how_ = how;
    signal_.store(given, std::memory_order_release);
    signal_.notify_one();
    signal_.store(left_alone, std::memory_order_release);
  } else if (loop::current() == &fiber_->home) {
    end(how);
  } else {
    const auto home = fiber_->home.shared_from_this();
    home->post([this, how] { end(how); });
  }
}

void waiter::end(wait_end how) noexcept {
  how_ = how;
  over_ = true;
  fiber_->wake();
}

void waiter::block_thread() noexcept {
  signal_.wait(none, std::memory_order_acquire);
  spin_until([this] { return signal_.load(std::memory_order_acquire) == left_alone; });
}

wait_queue::~wait_queue() {
  WORKIT_ASSERT(empty(),
                "something that fibers or threads wait for was destroyed under them: a mutex, semaphore, event "
                "or condition variable has to outlive its waiters. Join the tasks that use it first");
}

void wait_queue::push(waiter& w) noexcept {
  w.next = &ends_;
  w.previous = ends_.previous;
  ends_.previous->next = &w;
  ends_.previous = &w;
}

waiter* wait_queue::unlink(wait_link& link) noexcept {
  link.previous->next = link.next;
  link.next->previous = link.previous;
  link = {};
  return static_cast<waiter*>(&link);
}

void wait_queue::take(wait_queue& other) noexcept {
  if (other.empty()) return;
  auto& first = *other.ends_.next;
  auto& last = *other.ends_.previous;
  first.previous = ends_.previous;
  ends_.previous->next = &first;
  last.next = &ends_;
  ends_.previous = &last;
  other.ends_.next = other.ends_.previous = &other.ends_;
}

bool wait_queue::withdraw(waiter& w, spin_lock& lock) noexcept {
  const std::lock_guard guard(lock);
  if (w.next == nullptr) return false;
  unlink(w);
  return true;
}

wait_end wait_queue::await(waiter& w, spin_lock& lock, cancel_point can_end) {
  if (w.fiber_ == nullptr) {
    w.block_thread();
    return w.how_;
  }
  const auto over = [&w] { return w.over_; };
  const bool stays = can_end == cancel_point::no || std::uncaught_exceptions() > 0;
  if (!stays && !w.fiber_->wait(over) && withdraw(w, lock)) return wait_end::withdrawn;
  w.fiber_->wait_shielded(over);
  return w.how_;
}

void wait_queue::wake_all(spin_lock& lock, wait_end how) noexcept {
  const auto next = [&] {
    const std::lock_guard guard(lock);
    return pop();
  };
  for (auto* w = next(); w != nullptr;) {
    auto* then = next();  // before this wake, which may be the end of the lock
    w->wake(how);
    w = then;
  }
}

void leave_wait() {
  fiber::require("waiting").leave();
  fail_assertion("stopping", __FILE__, __LINE__, "a wait was given up, but its scope is not stopping");
}

wait_end wait_in(wait_queue& queue, waiter& w, std::unique_lock<spin_lock>& lock) {
  queue.push(w);
  lock.unlock();
  const auto end = wait_queue::await(w, *lock.mutex(), wait_queue::cancel_point::yes);
  if (end == wait_end::withdrawn) leave_wait();
  return end;
}

}  // namespace workit::detail
