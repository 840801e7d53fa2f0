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

void pool_core::start_zygote() {
  zygote_link::birth birth{.pool = options_.name,
                           .loops = loops_,
                           .host_life = warden_.host_life(),
                           .limits = limits_,
                           .sandbox = options_.sandbox,
                           .group = group_.get()};
  if (options_.preload != nullptr) birth.preload = id_of(options_.preload);
  auto link = std::make_unique<zygote_link>(birth);
  const int socket = link->socket();
  const int pidfd = link->pidfd();
  {
    const lock guard(mutex_);
    zygote_ = std::move(link);
    ++counts_.zygotes;
    counts_.zygote = zygote_->pid();
  }
  const auto readable = [self = shared_from_this()] { self->on_zygote_readable(); };
  warden_.watch(socket, readable);
  warden_.watch(pidfd, readable);
}

void pool_core::on_zygote_readable() {
  for (;;) {
    std::vector<unique_fd> descriptors;
    message m;
    transfer got = transfer::closed;
    bool dead = false;
    int socket = -1;
    {
      const lock guard(mutex_);
      if (!zygote_) return;
      got = zygote_->receive(m, descriptors);
      socket = zygote_->socket();
      if (got != transfer::done) dead = zygote_->has_exited();
      if (got == transfer::closed && !dead) zygote_->kill();  // it does not listen any more: its pidfd says when
    }
    if (got == transfer::done) {
      on_message(m, descriptors);
      continue;
    }
    if (dead) return zygote_lost();
    if (got == transfer::closed) warden_.unwatch(socket);
    return;
  }
}

void pool_core::on_message(const message& m, std::vector<unique_fd>& descriptors) {
  switch (m.kind) {
    case message_kind::ready: {
      const lock guard(mutex_);
      zygote_ready_ = true;
      changed_.notify_all();
      break;
    }
    case message_kind::failed:
      return break_down("pool \"" + options_.name + "\": " + std::string(m.text.view()));
    case message_kind::forked:
      on_forked(m, descriptors.empty() ? unique_fd() : std::move(descriptors.front()));
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

void pool_core::break_down(const std::string& sentence) {
  errands todo;
  {
    const lock guard(mutex_);
    if (life_ != life::starting && life_ != life::open) return;
    life_ = life::broken;
    trouble_ = sentence;
    fail_queue(sentence, todo);
    changed_.notify_all();
  }
  run(std::move(todo));
}

void pool_core::zygote_lost() {
  std::unique_ptr<zygote_link> link;
  std::vector<handle> orphans;
  bool again = false;
  std::string how;
  {
    const lock guard(mutex_);
    link = std::move(zygote_);
    if (!link) return;
    zygote_ending_ = true;
    zygote_ready_ = false;
    counts_.zygote = 0;
    for (auto at = workers_.begin(); at != workers_.end();) {
      const auto worker = at->second;
      if (worker->state == worker_state::starting) {  // if it came to be, it dies of its parent's death
        --starting_;
        at = workers_.erase(at);
        continue;
      }
      if (worker->state == worker_state::idle) worker->state = worker_state::lost;
      if (!worker->orphaned) orphans.push_back(worker);
      worker->orphaned = true;
      ++at;
    }
    idle_.clear();
    again = (life_ == life::starting || life_ == life::open) && ++zygote_deaths_ < most_zygote_deaths &&
            life_ == life::open;
  }
  warden_.unwatch(link->socket());
  warden_.unwatch(link->pidfd());
  how = link->reap();
  link.reset();
  adopt_orphans(std::move(orphans));
  if (again) {
    try {
      start_zygote();
    } catch (const std::exception& e) {
      again = false;
      how = e.what();
    }
  }
  if (!again)
    break_down("the zygote of pool \"" + options_.name + "\" is gone and is not started again" +
               (how.empty() ? std::string() : " (" + how + ")"));
  const lock guard(mutex_);
  zygote_ending_ = false;
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
