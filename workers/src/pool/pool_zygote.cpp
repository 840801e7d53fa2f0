// The zygote of a pool: started, listened to, replaced when it is gone, however often that fails.
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>

#include "pool_core.hpp"

namespace workit::workers {
namespace {

using namespace std::chrono_literals;

/// What waits for a worker is answered when there has been no zygote for this long; attempts go on.
constexpr auto longest_outage = 1s;

/// Before the next attempt, after so many failures in a row: at once, then 10 ms, doubled up to a second.
duration pause_after(unsigned failures) noexcept {
#ifdef WORKIT_WITHOUT_ZYGOTE_BRAKE
  failures = std::min(failures, 1U);
#endif
  return failures == 0 ? 0ms : std::min<duration>(1s, 10ms * (1 << std::min(failures - 1, 7U)));
}

}  // namespace

std::shared_ptr<zygote_group> pool_core::start_zygote(std::shared_ptr<zygote_group> pool_core::*role) {
  zygote_link::birth birth{.pool = options_.name,
                           .loops = loops_,
                           .host_life = warden_.host_life(),
                           .limits = limits_,
                           .sandbox = options_.sandbox,
                           .group = group_.get()};
  if (options_.preload != nullptr) birth.preload = id_of(options_.preload);
  if (options_.worker_init != nullptr) birth.worker_init = id_of(options_.worker_init);
  if (ready_event_) birth.loops.push_back(ready_event_.get());
  birth.output = options_.output;
  auto fresh = std::make_shared<zygote_group>();
  fresh->link = std::make_unique<zygote_link>(birth);
  const int socket = fresh->link->socket();
  const int pidfd = fresh->link->pidfd();
  {
    const lock guard(mutex_);
    zygote_groups_.push_back(fresh);
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
    bury(fresh);  // a zombie at worst: nobody is there to hear when it has died
    throw;
  }
  return fresh;
}

void pool_core::on_zygote_readable(const std::shared_ptr<zygote_group>& from) {
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
    if (dead) return zygote_died(from);
    if (got == transfer::closed) warden_.unwatch(socket);
    return;
  }
}

void pool_core::on_message(const std::shared_ptr<zygote_group>& from, const message& m,
                           std::vector<unique_fd>& descriptors) {
  {
    const lock guard(mutex_);
    from->asked = false;
  }
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
      if (is_orphan(m.worker)) return;  // it went on after all; the pidfd has told, or will
      on_exited(m.worker, {.status = m.status, .cpu_us = m.cpu_us, .oom_guess = m.oom_guess});
      return;
    case message_kind::reclaimed:
      if (!is_orphan(m.worker)) on_reclaimed(m.worker);
      return;
    case message_kind::violated:
      return on_violated(m.worker, m.call);
    default:
      return;
  }
  fork_workers();
}

void pool_core::on_preload_failed(zygote_group& from, const std::string& sentence) {
  const lock guard(mutex_);
  if (&from == next_.get()) return give_up(from, sentence);
  if (from.failure.empty()) from.failure = sentence;  // its end, which follows, is the next failure
  if (&from != serving_.get() || life_ != life::starting) return;
  trouble_ = sentence;
  changed_.notify_all();
}

void pool_core::zygote_died(const std::shared_ptr<zygote_group>& from) {
  if (const auto how = bury(from)) zygote_missing(*how);
}

std::optional<std::string> pool_core::bury(const std::shared_ptr<zygote_group>& from) {
  std::unique_ptr<zygote_link> link;
  std::vector<orphan> orphans;
  bool was_serving = false;
  {
    const lock guard(mutex_);
    link = std::move(from->link);
    if (!link) return std::nullopt;
    from->ready = false;
    orphans = take_orphans(from, with_tasks::die);
    was_serving = from == serving_;
    if (was_serving) {
      serving_.reset();
      losses_.clear();
    }
  }
  warden_.unwatch(link->socket());
  warden_.unwatch(link->pidfd());
  const auto words = link->reap();
  const auto how = words.empty() ? "is gone" : words;
  link.reset();
  adopt_orphans(std::move(orphans), how);
  const lock guard(mutex_);
  if (from == next_) give_up(*from, "its zygote " + how);
  from->cleared = true;
  if (from->is_over()) std::erase(zygote_groups_, from);
  changed_.notify_all();
  if (!was_serving) return std::nullopt;
  return from->failure.empty() ? how : from->failure;
}

void pool_core::zygote_missing(const std::string& how) {
  deferred_actions todo;
  bool now = false;
  {
    const lock guard(mutex_);
    counts_.zygote_failures += life_ == life::starting || life_ == life::open;
    auto sentence = "the zygote of pool \"" + options_.name + "\" is gone (" + how + ")";
    if (life_ == life::starting && trouble_.empty()) trouble_ = sentence;
    changed_.notify_all();
    if (life_ != life::open) return;
    const auto at = std::chrono::steady_clock::now();
    const auto pause = pause_after(zygote_deaths_++);
    if (outage_since_ == time_point{}) outage_since_ = at;
    if (at + pause - outage_since_ > longest_outage) {
      trouble_ = std::move(sentence) + "; another one is tried every second";
      fail_queue({trouble_}, todo);
    }
#ifdef WORKIT_WITHOUT_ZYGOTE_RETRY
    if (pause > duration::zero()) return;
#endif
    now = replacing_ = pause == duration::zero();
    const itimerspec after{{}, {pause / 1s, (pause % 1s).count()}};
    if (!now) ::timerfd_settime(zygote_timer_.get(), 0, &after, nullptr);
  }
  run(std::move(todo));
  if (now) replace_zygote();
}

void pool_core::replace_zygote() {
  std::optional<std::string> failure;
  try {
    start_zygote(&pool_core::serving_);
  } catch (const std::exception& e) {
    failure = e.what();
  }
  {
    const lock guard(mutex_);
    replacing_ = false;
    changed_.notify_all();
  }
  if (failure) zygote_missing(*failure);
}

void pool_core::on_zygote_timer() {
  std::uint64_t times = 0;
  if (::read(zygote_timer_.get(), &times, sizeof times) != sizeof times) return;
  {
    const lock guard(mutex_);
    if (life_ != life::open || serving_ != nullptr) return;  // a reload was faster
    replacing_ = true;
  }
  replace_zygote();
}

}  // namespace workit::workers
