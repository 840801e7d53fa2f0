// Replacing the zygote and all workers of a pool while it works: the new ones stand beside the old until all are ready.
#include <utility>
#include <workit/base/errors.hpp>

#include "pool_core.hpp"

namespace workit::workers {
namespace {

/// Waits until `done`, on the pool's condition variable. Errors: timed_out at `until`.
template <class Done>
void wait_until(deadline_point until, std::condition_variable& changed, thread_lock& guard, const std::string& name,
                time_point began, const Done& done) {
  if (until.is_never())
    changed.wait(guard.native(), done);
  else if (!changed.wait_until(guard.native(), until.at(), done))
    throw timed_out(name, until.at() - began);
}

}  // namespace

void pool_core::begin_reload(const std::string& name, deadline_point until, time_point began) {
  thread_lock guard(mutex_);
  wait_until(until, changed_, guard, name, began, [this] {
    mutex_.assert_held();
    return !reloading_ || life_ != life::open;
  });
  if (life_ != life::open) throw start_failed(name + " cannot begin: the pool is not running");
  reloading_ = true;
}

void pool_core::end_reload() noexcept {
  const thread_lock guard(mutex_);
  reloading_ = false;
  changed_.notify_all();
}

void pool_core::reload(deadline_point until) {
  const auto began = std::chrono::steady_clock::now();
  const auto name = "the reload of pool \"" + options_.name + "\"";
  if (until.passed(began)) throw timed_out(name, until.at() - began);  // there is no time: nothing begins
  begin_reload(name, until, began);
  const std::unique_ptr<pool_core, void (*)(pool_core*)> ends(this, [](pool_core* pool) { pool->end_reload(); });
  const auto candidate = start_zygote(zygote_roles::role::next);
  thread_lock guard(mutex_);
  try {
    wait_until(until, changed_, guard, name, began, [this, &candidate] {
      mutex_.assert_held();
      return candidate->serves || !candidate->failure.empty() || life_ != life::open;
    });
  } catch (const timed_out&) {
    give_up(*candidate, "it took too long");
    guard.unlock();  // before end_reload()
    throw;
  }
  if (!candidate->serves && candidate->failure.empty()) give_up(*candidate, "the pool was stopped");
  const auto why = candidate->serves ? std::string() : candidate->failure;
  guard.unlock();  // before end_reload()
  if (!why.empty()) throw start_failed(name + " failed: " + why);
}

void pool_core::give_up(zygote_group& candidate, const std::string& sentence) {
  if (candidate.failure.empty()) candidate.failure = sentence;
  if (!zygotes_.is_next(candidate)) return;
  if (candidate.link) candidate.link->kill();  // it may be in preload, and hear nothing; its workers die with it
  zygotes_.drop_next();
  changed_.notify_all();
}

void pool_core::switch_over(deferred_actions& todo) {
  const auto& next = zygotes_.next();
  if (next == nullptr || !next->ready || next->idle.size() < wanted_from(*next)) return;
  if (life_ != life::open) return;
  const auto old = zygotes_.promote_next();
  trouble_.clear();
  losses_.clear();
  outage_.task_ended();
  outage_.over();
  start_failures_.worked();
  ++counts_.reloads;
  if (old) {
    for (auto& worker : workers_.lose_parked(*old)) todo.kill(std::move(worker));
    zygotes_.dismiss_if_done(*old);
  }
  launch_waiting(todo);
  arm_shrink_timer();
  todo.fork_workers();
  changed_.notify_all();
}

}  // namespace workit::workers
