// Workers whose zygote is gone, or does nothing any more: their pidfds tell when they have died, though not of what.
#include <sys/wait.h>

#include <csignal>
#include <system_error>

#include "pool_core.hpp"

namespace workit::workers {

std::vector<pool_core::orphan> pool_core::take_orphans(const std::shared_ptr<zygote_group>& from, with_tasks those) {
  std::vector<orphan> orphans;
  for (auto at = workers_.begin(); at != workers_.end();) {
    const auto worker = at->second;
    if (worker->from != from) {
      ++at;
      continue;
    }
    const auto before = worker->state;
    const bool has_task = before == worker_state::running || before == worker_state::collecting;
    if (!has_task && before != worker_state::lost) enter(worker, worker_state::lost);
    if (before == worker_state::starting) {  // if it came to be, it dies of its parent's death
      at = workers_.erase(at);
      continue;
    }
    // One that was reclaimed is only waiting for its collector, which lets go of its pidfd: nobody may watch that any
    // more.
    if (!worker->orphaned && !worker->reclaimed) orphans.push_back({worker, has_task && those == with_tasks::go_on});
    if (worker->orphaned && worker->exited) orphans.push_back({worker, false, true});
    worker->orphaned = true;
    ++at;
  }
  return orphans;
}

void pool_core::adopt_orphans(std::vector<orphan> orphans, const std::string& zygote) {
  for (const auto& [worker, spared, dead] : orphans) {
    if (dead) {
      on_reclaimed(worker->number);
      continue;
    }
    // It dies of its parent's death anyway, unless that came before it had asked for that, or does not come.
    if (!spared) kill_worker(*worker);
    const auto buried = [self = shared_from_this(), number = worker->number, pidfd = worker->pidfd.get(),
                         from = worker->from, zygote] {
      self->warden_.unwatch(pidfd);
      siginfo_t end{};  // ours to reap only if this process is a subreaper
      ::waitid(P_PIDFD, static_cast<id_t>(pidfd), &end, WEXITED | WNOHANG);
      self->on_exited(number, {.status = SIGKILL, .zygote = zygote});
      // As good as: the keeper of its memory dies of the zygote's death. One that hangs still has it.
      if (self->is_dead(*from)) self->on_reclaimed(number);
    };
    try {
      warden_.watch(worker->pidfd.get(), buried);
    } catch (const std::system_error&) {
      if (spared) kill_worker(*worker);
      buried();  // no room to wait for it: it has been sent SIGKILL, at least
    }
  }
}

bool pool_core::is_dead(const zygote_group& zygote) const {
  const lock guard(mutex_);
  return !zygote.link;
}

bool pool_core::is_orphan(std::uint32_t number) const {
  const lock guard(mutex_);
  const auto found = workers_.find(number);
  return found != workers_.end() && found->second->orphaned;
}

}  // namespace workit::workers
