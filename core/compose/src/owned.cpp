// Who owns background and detached work.
//
// Invariants
// 1. An entry stands from before its task is made until the task's body is destroyed, which the runtime's end waits
// for.
// 2. A cancellation reaches every entry that stands when it is made: one whose task is not known yet keeps the reason.
// Lock order: detached_tasks::mutex_ is a leaf; cancelling happens outside of it.
#include <workit/base/assert.hpp>
#include <workit/compose/background.hpp>
#include <workit/compose/detached.hpp>
#include <workit/fiber/detail/loop.hpp>

namespace workit {

std::vector<detached_task> detached_tasks::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<detached_task> all;
  for (const auto& [key, e] : entries_) all.push_back(e.shown);
  return all;
}

std::size_t detached_tasks::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

std::size_t detached_tasks::cancel(const cancel_reason& why) {
  std::size_t stopped = 0;
  std::vector<std::function<bool(const cancel_reason&)>> to_tell;
  {
    const std::lock_guard lock(mutex_);
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

bool detached_tasks::drain(duration grace) {
  WORKIT_ASSERT(detail::loop::current() == nullptr,
                "detached tasks were drained on an I/O thread, which that would block: drain from another thread");
  std::unique_lock lock(mutex_);
  const auto none = [this] { return entries_.empty(); };
  const auto until = deadline::in(grace, std::chrono::steady_clock::now());
  if (!until.is_never()) return none_left_.wait_until(lock, until.at(), none);
  none_left_.wait(lock, none);
  return true;
}

detached_tasks::place::place(detached_tasks& registry, detached_task shown) : registry_(registry) {
  const std::lock_guard lock(registry_.mutex_);
  key_ = ++registry_.last_;
  registry_.entries_.emplace(key_, entry{.shown = std::move(shown)});
}

detached_tasks::place::~place() {
  entry last;  // its handle goes after the lock
  const std::lock_guard lock(registry_.mutex_);
  auto gone = registry_.entries_.extract(key_);
  last = std::move(gone.mapped());
  if (registry_.entries_.empty()) registry_.none_left_.notify_all();
}

void detached_tasks::attach(std::uint64_t key, work_id id, std::function<bool(const cancel_reason&)> cancel) {
  std::optional<cancel_reason> early;
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end()) return;
    found->second.shown.id = id;
    found->second.cancel = cancel;
    early = found->second.cancelled_early;
  }
  if (early) cancel(*early);
}

namespace detail {

void check_options(const detached_options& options) {
  WORKIT_ASSERT(options.max_lifetime > duration::zero(),
                "detached task \"" + options.name + "\": max_lifetime has to be more than zero");
}

scope_node& enclosing_scope(context& ctx) {
  auto* owner = ctx.node().nearest_scope();
  WORKIT_ASSERT(owner != nullptr, "background(): \"" + ctx.name() + "\" is in no scope that could own the task");
  return *owner;
}

}  // namespace detail
}  // namespace workit
