// detached_tasks: entries under one lock.
//
// Invariants
// 1. An entry stands from before its task is made until the body of the task is destroyed; the runtime's end waits for
//    that.
// 2. A cancellation reaches every entry that stands at that moment. An entry whose task is not known yet keeps the
//    reason and cancels the task in attach().
// Lock order: mutex_ is a leaf; cancel() calls the tasks outside of it.
#include <workit/scope/detached_tasks.hpp>

#include <workit/base/assert.hpp>
#include <workit/fiber/detail/loop.hpp>

namespace workit {

std::vector<detached_task> detached_tasks::list() const {
  const thread_lock lock(mutex_);
  std::vector<detached_task> all;
  for (const auto& [key, e] : entries_) all.push_back(e.shown);
  return all;
}

std::size_t detached_tasks::size() const {
  const thread_lock lock(mutex_);
  return entries_.size();
}

std::size_t detached_tasks::cancel(const cancel_reason& why) {
  std::size_t stopped = 0;
  std::vector<std::function<bool(const cancel_reason&)>> to_tell;
  {
    const thread_lock lock(mutex_);
    for (auto& [key, e] : entries_) {
      if (e.cancel)
        to_tell.push_back(e.cancel);
      else if (!e.cancelled_early)
        e.cancelled_early = why, ++stopped;
    }
  }
  for (const auto& tell : to_tell) stopped += tell(why) ? 1 : 0;
  return stopped;
}

bool detached_tasks::drain(time_span grace) {
  WORKIT_ASSERT(detail::loop::current() == nullptr,
                "detached tasks were drained on an I/O thread, which that would block: drain from another thread");
  thread_lock lock(mutex_);
  const auto none = [this] {
    mutex_.assert_held();
    return entries_.empty();
  };
  const auto until = deadline_point::in(grace, std::chrono::steady_clock::now());
  if (!until.is_never()) return none_left_.wait_until(lock.native(), until.at(), none);
  none_left_.wait(lock.native(), none);
  return true;
}

detached_tasks::place::place(detached_tasks& registry, detached_task shown) : registry_(registry) {
  const thread_lock lock(registry_.mutex_);
  key_ = ++registry_.last_;
  registry_.entries_.emplace(key_, entry{.shown = std::move(shown)});
}

detached_tasks::place::~place() {
  entry last;  // its handle goes after the lock
  const thread_lock lock(registry_.mutex_);
  auto gone = registry_.entries_.extract(key_);
  last = std::move(gone.mapped());
  if (registry_.entries_.empty()) registry_.none_left_.notify_all();
}

void detached_tasks::attach(std::uint64_t key, work_id id, std::function<bool(const cancel_reason&)> cancel) {
  std::optional<cancel_reason> early;
  {
    const thread_lock lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end()) return;
    found->second.shown.id = id;
    found->second.cancel = cancel;
    early = found->second.cancelled_early;
  }
  if (early) cancel(*early);
}

}  // namespace workit
