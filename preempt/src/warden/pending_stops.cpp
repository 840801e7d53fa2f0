// pending_stops: see the header for what it promises.
//
// Invariants
// 1. A stop is in waiting_ until its first proof. The thread that takes it out, under the mutex, finishes it.
// 2. An entry that is not complete stays in when it is proven, and add() finishes it. Otherwise its pidfd and its word
//    could be released while add() still passes them to the kernel.
// 3. Ids are never used again, so an event that was fetched before its entry was taken out matches none.
// 4. open_ counts stops from add() until stopped() has returned.
// Lock order: one mutex; no callback, no blocking call, and no call of the death listener under it.
#include "pending_stops.hpp"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>
#include <workit/base/assert.hpp>
#include <workit/preempt/proof.hpp>

#include "system_call.hpp"

namespace workit::preempt {

pending_stops::pending_stops(death_listener& deaths)
    : deaths_(deaths), exits_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {}

void pending_stops::add(unproven_stop stop, notice n) {
  if (has_exited(stop.claim.pidfd)) return stop.prove(stop_proof::pidfd, std::chrono::steady_clock::now());
  const auto claim = stop.claim;
  std::uint64_t id = 0;
  {
    const thread_lock lock(mutex_);
    id = ++last_id_;
    ++open_;
    waiting_.emplace(id, entry{std::move(stop), false, std::nullopt});
  }
  if (n == notice::used && claim.death_word != nullptr)
    // Where it cannot be watched, the pidfd is enough.
    static_cast<void>(deaths_.watch(
        claim.death_word, [this, id] { proven(id, stop_proof::notice); }, this));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = id;
  const int error = ::epoll_ctl(exits_.get(), EPOLL_CTL_ADD, claim.pidfd, &event) == 0 ? 0 : errno;
  WORKIT_ASSERT(error == 0 || error == ENOMEM || error == ENOSPC,
                "worker " + std::to_string(claim.worker) + " was killed, but what its lease gave as its pidfd (" +
                    std::to_string(claim.pidfd) + ") is none: keep it open until stopped() has returned");
  if (error != 0 && wait_for_exit(claim.pidfd, deadline_point{})) proven(id, stop_proof::pidfd);

  thread_lock lock(mutex_);
  const auto mine = waiting_.find(id);
  mine->second.complete = true;
  if (!mine->second.early) return;
  auto early = std::move(waiting_.extract(mine).mapped());
  lock.unlock();
  finish(std::move(early.stop), *early.early);
}

void pending_stops::hear() {
  std::array<epoll_event, 32> exits;
  const int count = ::epoll_wait(exits_.get(), exits.data(), static_cast<int>(exits.size()), 0);
  for (int i = 0; i < count; ++i) proven(exits[static_cast<std::size_t>(i)].data.u64, stop_proof::pidfd);
}

void pending_stops::proven(std::uint64_t id, stop_proof how) noexcept {
  thread_lock lock(mutex_);
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) return;
  if (!found->second.complete) {
    if (!found->second.early) found->second.early = how;
    return;
  }
  auto stop = std::move(waiting_.extract(found).mapped().stop);
  lock.unlock();
  finish(std::move(stop), how);
}

void pending_stops::finish(unproven_stop stop, stop_proof how) noexcept {
  const auto at = std::chrono::steady_clock::now();
  ::epoll_ctl(exits_.get(), EPOLL_CTL_DEL, stop.claim.pidfd, nullptr);
  if (stop.claim.death_word != nullptr) deaths_.unwatch(stop.claim.death_word, this);
  stop.prove(how, at);
  {
    const thread_lock lock(mutex_);
    --open_;
    one_ended_.notify_all();
  }
}

std::size_t pending_stops::size() const noexcept {
  const thread_lock lock(mutex_);
  return open_;
}

void pending_stops::wait_until_none() {
  thread_lock lock(mutex_);
  while (open_ != 0) one_ended_.wait(lock.native());
}

}  // namespace workit::preempt
