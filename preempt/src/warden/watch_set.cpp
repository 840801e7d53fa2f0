// watch_set: see the header for what it promises.
//
// Invariants
// 1. A watch has an id that is never used again and that the kernel returns with its events. So an event that was
//    fetched before its watch was taken out, or before the number of its descriptor was reused, matches no watch.
// 2. running_ is the descriptor whose callback runs, outside the mutex. Only turn() sets it. unwatch() waits for that
//    callback, even if the watch is out already; not on the thread of turn(), where the callback is its caller.
// 3. by_id_ and id_of_ hold the same watches.
// Lock order: one mutex, held across no callback and no call that blocks (epoll_ctl(2) does not).
#include "watch_set.hpp"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <workit/base/assert.hpp>

#include "system_call.hpp"

namespace workit::preempt {

watch_set::watch_set() : set_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {}

void watch_set::watch(int descriptor, std::function<void()> ready) {
  auto entry = std::make_shared<watched>(watched{descriptor, std::move(ready)});
  const thread_lock lock(mutex_);
  WORKIT_ASSERT(!id_of_.contains(descriptor), "the warden already watches descriptor " + std::to_string(descriptor) +
                                                  ": unwatch it before it is closed or watched anew");
  const auto id = ++last_id_;
  by_id_.emplace(id, std::move(entry));
  id_of_.emplace(descriptor, id);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = id;
  if (::epoll_ctl(set_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0) return;
  const int error = errno;
  by_id_.erase(id);
  id_of_.erase(descriptor);
  throw std::system_error(error, std::system_category(), "the warden cannot watch a descriptor: epoll_ctl");
}

void watch_set::unwatch(int descriptor) noexcept {
  std::shared_ptr<watched> dropped;  // its callback is destroyed outside the lock
  thread_lock lock(mutex_);
  if (const auto found = id_of_.find(descriptor); found != id_of_.end()) {
    dropped = std::move(by_id_.extract(found->second).mapped());
    id_of_.erase(found);
    ::epoll_ctl(set_.get(), EPOLL_CTL_DEL, descriptor, nullptr);
  }
  if (caller_ == std::this_thread::get_id()) return;
  while (running_ == descriptor) call_ended_.wait(lock.native());
}

void watch_set::turn() {
  std::array<epoll_event, 32> events;
  {
    const thread_lock lock(mutex_);
    caller_ = std::this_thread::get_id();
  }
  const int count = ::epoll_wait(set_.get(), events.data(), static_cast<int>(events.size()), -1);
  WORKIT_ASSERT(count >= 0 || errno == EINTR,
                std::string("the warden cannot wait for its descriptors: epoll_wait: ") + std::strerror(errno));
  for (int i = 0; i < count; ++i) call(events[static_cast<std::size_t>(i)].data.u64);
}

void watch_set::call(std::uint64_t id) {
  std::shared_ptr<watched> entry;
  {
    const thread_lock lock(mutex_);
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return;
    entry = found->second;
    running_ = entry->descriptor;
  }
  entry->ready();
  entry.reset();  // destroys the captures before unwatch() may return
  {
    const thread_lock lock(mutex_);
    running_ = none;
  }
  call_ended_.notify_all();
}

}  // namespace workit::preempt
