// Zygotes that hang, and the workers that a zygote leaves behind: their pidfds tell when they have died, but not of
// what.
#include <sys/wait.h>

#include <csignal>
#include <system_error>
#include <workit/base/detail/duration_text.hpp>

#include "kill_group.hpp"
#include "pool_core.hpp"
#include "zygote_health.hpp"

namespace workit::workers {

void pool_core::keep_health_checked() { health_.set_every(duration(options_.zygote_timeout) / health_pulses); }

void pool_core::on_health_timer() {
  std::vector<group> checked, hung;
  {
    const thread_lock guard(mutex_);
    if (!health_.take_fired()) return;
    for (const auto& g : {zygotes_.serving(), zygotes_.next()})
      if (g && g->link && g->watched && g->ready && !g->dismissed) checked.push_back(g);
  }
  for (const auto& g : checked) on_zygote_readable(g);  // what it has said by now is heard first
  {
    const thread_lock guard(mutex_);
    const bool is_awaited = demand() != 0 || life_ == life::starting || reloading_;
    bool is_needed = is_awaited;
    for (const auto& g : checked) {
      if (!g->link || g->dismissed) continue;
      const auto step = pulse(*g, is_awaited);
      if (step == health_step::hangs) hung.push_back(g);
      // When the socket has no room for it, there is enough that the zygote has to answer.
      if (step == health_step::ask) static_cast<void>(g->link->send({.kind = message_kind::ping}));
      is_needed = is_needed || g->asked;
    }
    if (!is_needed) {
      health_.expired();
      health_.timer().turn_off();
    }
  }
  for (const auto& g : hung) zygote_hangs(g);
}

void pool_core::zygote_hangs(const group& from) {
  abandon_zygote(from, "did not answer for " + workit::detail::in_ms(options_.zygote_timeout));
}

/// Its running tasks go on: a worker needs its zygote to be born and to be buried, and for nothing between.
void pool_core::abandon_zygote(const group& from, const std::string& how) {
  std::vector<worker_table::orphan> orphans;
  {
    const thread_lock guard(mutex_);
    if (zygotes_.is_next(*from)) return give_up(*from, "its zygote " + how);
    if (!zygotes_.is_serving(*from)) return;
    zygotes_.drop_serving();
    losses_.clear();
    from->hung = true;
    orphans = workers_.take_orphans(*from, worker_table::with_tasks::go_on);
    changed_.notify_all();
    zygotes_.dismiss_if_done(*from);
  }
  adopt_orphans(orphans, how);
  zygote_missing(how);
}

void pool_core::adopt_orphans(const std::vector<worker_table::orphan>& orphans, const std::string& zygote) {
  for (const auto& [worker, spared, dead] : orphans) {
    if (dead) {
      on_reclaimed(worker->number);
      continue;
    }
    // The kernel kills it with its parent, unless the parent died before the worker had asked for that, or hangs.
    if (!spared) kill(*worker);
    // Holds no handle: the worker's memory is given back before its receipt says so.
    const auto died = [self = shared_from_this(), number = worker->number, pidfd = worker->pidfd.get(),
                       from = worker->from, zygote] {
      self->warden_.unwatch(pidfd);
      kill_group(pidfd);  // what its task has started: the zygote that would have killed that is gone
      siginfo_t end{};  // this process may reap it only if it is a subreaper
      ::waitid(P_PIDFD, static_cast<id_t>(pidfd), &end, WEXITED | WNOHANG);
      self->orphan_died(number, *from, zygote);
    };
    try {
      warden_.watch(worker->pidfd.get(), died);
    } catch (const std::system_error&) {
      if (spared) kill(*worker);
      died();  // no room to wait for it: it has been sent SIGKILL, at least
    }
  }
}

void pool_core::orphan_died(std::uint32_t number, const zygote_group& from, const std::string& zygote) {
  on_exited(number, {.status = SIGKILL, .zygote = zygote});
  bool is_zygote_dead = false;
  {
    const thread_lock guard(mutex_);
    is_zygote_dead = !from.link;
  }
  // As good as: the process that holds its memory dies of the zygote's death. One that hangs still has it.
  if (is_zygote_dead) on_reclaimed(number);
}

bool pool_core::is_orphan(std::uint32_t number) const {
  const thread_lock guard(mutex_);
  return workers_.is_orphan(number);
}

}  // namespace workit::workers
