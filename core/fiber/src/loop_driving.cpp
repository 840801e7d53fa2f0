// loop without a thread: its callers drive it, one at a time.
//
// Invariants
// 1. `driven_` stands for the one thread in drive(); end_driving() sets it for good, when that thread has left.
// Lock order: drivers_mutex_ comes before the leaf locks of what drive_until() waits for.
#include <boost/fiber/algo/round_robin.hpp>
#include <boost/fiber/context.hpp>
#include <boost/fiber/operations.hpp>
#include <workit/base/assert.hpp>
#include <workit/fiber/detail/loop.hpp>

namespace workit::detail {

/// While it lives, this thread alone drives the loop. It is made when `driven_` has just been set.
class loop::driving {
 public:
  explicit driving(loop& by_this_thread) noexcept : loop_(by_this_thread) {}
  ~driving() {
    const thread_lock lock(loop_.drivers_mutex_);
    loop_.driven_ = false;
    loop_.drivers_may_go_on_.notify_all();
  }
  driving(const driving&) = delete;
  driving& operator=(const driving&) = delete;

 private:
  loop& loop_;
};

void loop::run_here(const std::function<void()>& first) {
  WORKIT_ASSERT(current() == nullptr, "a runtime without I/O threads was told to run on the I/O thread of another one");
  {
    const thread_lock lock(drivers_mutex_);
    WORKIT_ASSERT(
        !std::exchange(driven_, true),
        "a runtime without I/O threads was told to run on two threads at once: give it one with io_threads = 1");
  }
  const driving it(*this);
  drive(first);
}

void loop::drive_until(const std::function<bool()>& done) {
  thread_lock lock(drivers_mutex_);
  while (!done()) {
    if (driven_) {
      drivers_may_go_on_.wait(lock.native());
      continue;
    }
    driven_ = true;
    lock.unlock();
    {
      const driving it(*this);
      drive(nullptr);
    }
    lock.lock();
  }
}

void loop::tell_drivers() noexcept {
  if (has_thread_) return;
  const thread_lock lock(drivers_mutex_);
  drivers_may_go_on_.notify_all();
}

void loop::drive(const std::function<void()>& first) {
  enter_thread();
  if (first != nullptr) {
    ++live_;
    first();
    task_ended();
  }
  reactor_->io.poll();  // what was spawned or posted from outside
  for (auto seen = begun_ - 1; seen != begun_;) {
    seen = begun_;
    awaits_none_ = true;
    while (live_ != 0) boost::fibers::context::active()->suspend();
    awaits_none_ = false;
    // The dispatcher frees the stacks of fibers that have just ended. It may begin a task, which then is this thread's.
    boost::fibers::context::active()->yield();
  }
  leave_thread();
  boost::fibers::use_scheduling_algorithm<boost::fibers::algo::round_robin>();  // ours refers to this loop
}

void loop::end_driving() {
  thread_lock lock(drivers_mutex_);
  while (driven_) drivers_may_go_on_.wait(lock.native());
  driven_ = !has_thread_;
}

}  // namespace workit::detail
