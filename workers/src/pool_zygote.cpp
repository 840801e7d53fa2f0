// The zygote of a pool: started, listened to, replaced when it dies.
#include <sys/wait.h>

#include <csignal>
#include <system_error>
#include <workit/base/errors.hpp>
#include <workit/preempt/proof.hpp>

#include "kill_worker.hpp"
#include "pool_core.hpp"

namespace workit::workers {
namespace {

/// Deaths in a row, without one result between them, after which the pool gives up.
constexpr unsigned most_zygote_deaths = 3;

}  // namespace

std::shared_ptr<brood> pool_core::start_zygote(std::shared_ptr<brood> pool_core::*role) {
  zygote_link::birth birth{.pool = options_.name,
                           .loops = loops_,
                           .host_life = warden_.host_life(),
                           .limits = limits_,
                           .sandbox = options_.sandbox,
                           .group = group_.get()};
  if (options_.preload != nullptr) birth.preload = id_of(options_.preload);
  if (options_.worker_init != nullptr) birth.worker_init = id_of(options_.worker_init);
  if (bell_) birth.loops.push_back(bell_.get());
  birth.output = options_.output;
  auto fresh = std::make_shared<brood>();
  fresh->link = std::make_unique<zygote_link>(birth);
  const int socket = fresh->link->socket();
  const int pidfd = fresh->link->pidfd();
  {
    const lock guard(mutex_);
    broods_.push_back(fresh);
    this->*role = fresh;
    ++counts_.zygotes;
    if (life_ == life::closing) fresh->dismiss();  // stop() has not seen it
  }
  const auto readable = [self = shared_from_this(), fresh] { self->on_zygote_readable(fresh); };
  try {
    warden_.watch(socket, readable);
    warden_.watch(pidfd, readable);
    const lock guard(mutex_);
    fresh->watched = true;
  } catch (...) {
    fresh->link->kill();
    zygote_lost(fresh);  // a zombie at worst: nobody is there to hear when it has died
    throw;
  }
  return fresh;
}

void pool_core::on_zygote_readable(const std::shared_ptr<brood>& from) {
  for (;;) {
    std::vector<unique_fd> descriptors;
    message m;
    transfer got = transfer::closed;
    bool dead = false;
    int socket = -1;
    {
      const lock guard(mutex_);
      if (!from->link || !from->watched) return;
      dead = from->link->has_exited();  // asked first: what it said before it died is heard before its death
      got = from->link->receive(m, descriptors);
      socket = from->link->socket();
      if (got == transfer::closed && !dead) from->link->kill();  // it does not listen any more: its pidfd says when
    }
    if (got == transfer::done) {
      on_message(from, m, descriptors);
      continue;
    }
    if (dead) return zygote_lost(from);
    if (got == transfer::closed) warden_.unwatch(socket);
    return;
  }
}

void pool_core::on_message(const std::shared_ptr<brood>& from, const message& m, std::vector<unique_fd>& descriptors) {
  switch (m.kind) {
    case message_kind::ready: {
      const lock guard(mutex_);
      from->ready = true;
      changed_.notify_all();
      break;
    }
    case message_kind::failed:
      return on_preload_failed(*from, "pool \"" + options_.name + "\": " + std::string(m.text.view()));
    case message_kind::forked:
      on_forked(*from, m, descriptors.empty() ? unique_fd() : std::move(descriptors.front()));
      break;
    case message_kind::exited:
      on_exited(m.worker, {.status = m.status, .cpu_us = m.cpu_us, .oom_guess = m.oom_guess});
      return;
    case message_kind::violated:
      return on_violated(m.worker, m.call);
    default:
      return;
  }
  fork_workers();
}

void pool_core::on_preload_failed(brood& from, const std::string& sentence) {
  bool was_serving = false;
  {
    const lock guard(mutex_);
    was_serving = &from == serving_.get();
    if (&from == next_.get()) give_up(from, sentence);
  }
  if (was_serving) break_down(sentence);
}

void pool_core::break_down(const std::string& sentence) {
  errands todo;
  {
    const lock guard(mutex_);
    if (life_ != life::starting && life_ != life::open) return;
    life_ = life::broken;
    trouble_ = sentence;
    fail_queue({sentence}, todo);
    changed_.notify_all();
  }
  run(std::move(todo));
}

std::vector<pool_core::handle> pool_core::take_orphans(const std::shared_ptr<brood>& from) {
  std::vector<handle> orphans;
  for (auto at = workers_.begin(); at != workers_.end();) {
    const auto worker = at->second;
    if (worker->from != from) {
      ++at;
      continue;
    }
    const auto before = worker->state;
    if (before != worker_state::running && before != worker_state::collecting && before != worker_state::lost)
      enter(worker, worker_state::lost);
    if (before == worker_state::starting) {  // if it came to be, it dies of its parent's death
      at = workers_.erase(at);
      continue;
    }
    // One that has exited is only waiting for its collector, which lets go of its pidfd: nobody may watch that any
    // more.
    if (!worker->orphaned && !worker->exited) orphans.push_back(worker);
    worker->orphaned = true;
    ++at;
  }
  return orphans;
}

void pool_core::zygote_lost(const std::shared_ptr<brood>& from) {
  std::unique_ptr<zygote_link> link;
  std::vector<handle> orphans;
  bool was_serving = false, again = false;
  {
    const lock guard(mutex_);
    link = std::move(from->link);
    if (!link) return;
    from->ready = false;
    orphans = take_orphans(from);
    was_serving = from == serving_;
    if (was_serving) {
      serving_.reset();
      losses_.clear();
      again = life_ == life::open && ++zygote_deaths_ < most_zygote_deaths;
    }
  }
  warden_.unwatch(link->socket());
  warden_.unwatch(link->pidfd());
  auto how = link->reap();
  link.reset();
  adopt_orphans(std::move(orphans));
  if (again) {
    try {
      start_zygote(&pool_core::serving_);
    } catch (const std::exception& e) {
      again = false;
      how = e.what();
    }
  }
  if (was_serving && !again)
    break_down("the zygote of pool \"" + options_.name + "\" is gone and is not started again" +
               (how.empty() ? std::string() : " (" + how + ")"));
  const lock guard(mutex_);
  if (from == next_) give_up(*from, "its zygote " + (how.empty() ? std::string("is gone") : how));
  from->cleared = true;
  if (from->is_over()) std::erase(broods_, from);
  changed_.notify_all();
}

void pool_core::adopt_orphans(std::vector<handle> orphans) {
  for (const auto& worker : orphans) {
    // It dies of its parent's death anyway, unless that came before it had asked for that.
    kill_worker(*worker);
    const auto buried = [self = shared_from_this(), number = worker->number, pidfd = worker->pidfd.get()] {
      self->warden_.unwatch(pidfd);
      siginfo_t end{};  // ours to reap only if this process is a subreaper
      ::waitid(P_PIDFD, static_cast<id_t>(pidfd), &end, WEXITED | WNOHANG);
      self->on_exited(number, {.status = SIGKILL});
    };
    try {
      warden_.watch(worker->pidfd.get(), buried);
    } catch (const std::system_error&) {
      buried();  // no room to wait for it: it has been sent SIGKILL, at least
    }
  }
}

}  // namespace workit::workers
