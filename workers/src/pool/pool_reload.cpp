// Replacing the zygote and all workers of a pool while it works: the new ones stand beside the old until all are ready.
#include <utility>
#include <workit/base/errors.hpp>

#include "pool_core.hpp"

namespace workit::workers {
namespace {

/// Ends a reload whichever way it goes.
struct turn {
  bool& taken;
  std::mutex& mutex;
  std::condition_variable& changed;
  ~turn() {
    const std::lock_guard guard(mutex);
    taken = false;
    changed.notify_all();
  }
};

}  // namespace

void pool_core::reload(deadline until) {
  const auto began = std::chrono::steady_clock::now();
  const auto name = "the reload of pool \"" + options_.name + "\"";
  const auto is_running = [&] { return life_ == life::open; };
  const auto wait = [&](lock& guard, const auto& done) {
    if (until.is_never())
      changed_.wait(guard, done);
    else if (!changed_.wait_until(guard, until.at(), done))
      throw timed_out(name, until.at() - began);
  };
  {
    lock guard(mutex_);
    wait(guard, [&] { return !reloading_ || !is_running(); });
    if (!is_running()) throw start_failed(name + " cannot begin: the pool is not running");
    reloading_ = true;
  }
  const turn ours{reloading_, mutex_, changed_};
  const auto candidate = start_zygote(&pool_core::next_);
  lock guard(mutex_);
  try {
    wait(guard, [&] { return candidate->serves || !candidate->failure.empty() || !is_running(); });
  } catch (const timed_out&) {
    give_up(*candidate, "it took too long");
    guard.unlock();
    throw;
  }
  if (candidate->serves) return;
  if (candidate->failure.empty()) give_up(*candidate, "the pool was stopped");
  const auto why = candidate->failure;
  guard.unlock();  // before our turn ends
  throw start_failed(name + " failed: " + why);
}

void pool_core::give_up(zygote_group& candidate, const std::string& sentence) {
  if (candidate.failure.empty()) candidate.failure = sentence;
  if (next_.get() != &candidate) return;
  if (candidate.link) candidate.link->kill();  // it may be in preload, and hear nothing; its workers die with it
  next_.reset();
  changed_.notify_all();
}

void pool_core::switch_over(deferred_actions& todo) {
  if (next_ == nullptr || !next_->ready || next_->idle.size() < wanted_from(*next_)) return;
  if (life_ != life::open) return;
  const auto old = std::exchange(serving_, std::exchange(next_, nullptr));
  serving_->serves = true;
  trouble_.clear();
  losses_.clear();
  zygote_deaths_ = 0;
  outage_since_ = {};
  start_deaths_ = 0;
  ++counts_.reloads;
  if (old) retire(old, todo);
  take_launches(todo);
  arm_shrink_timer();
  todo.fork = true;
  changed_.notify_all();
}

void pool_core::retire(const std::shared_ptr<zygote_group>& old, deferred_actions& todo) {
  for (const auto& [number, worker] : workers_) {
    if (worker->from != old) continue;
    if (worker->state != worker_state::idle && worker->state != worker_state::preparing) continue;
    enter(worker, worker_state::lost);
    todo.kills.push_back(worker);
  }
  if (old->busy == 0) old->dismiss();
}

}  // namespace workit::workers
