// post_queue: see the header for what it promises.
//
// Invariants
// 1. While posted_ is not empty, the eventfd is readable or run() is about to take all of it.
// Lock order: one mutex, held across no posted work; ringing the eventfd does not block.
#include "post_queue.hpp"

#include <sys/eventfd.h>

#include <utility>

#include "system_call.hpp"

namespace workit::preempt {

post_queue::post_queue() : ready_event_(checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {}

void post_queue::post(std::function<void()> work) {
  {
    const thread_lock lock(mutex_);
    posted_.push_back(std::move(work));
    if (posted_.size() > 1) return;
  }
  ::eventfd_write(ready_event_.get(), 1);
}

void post_queue::run() {
  eventfd_t rung = 0;
  ::eventfd_read(ready_event_.get(), &rung);
  std::vector<std::function<void()>> batch;
  {
    const thread_lock lock(mutex_);
    batch.swap(posted_);
  }
  for (auto& work : batch) {
    work();
    work = nullptr;
  }
}

}  // namespace workit::preempt
