// The zygote of a pool: started, listened to, replaced when it is gone, however often that fails.
#include <algorithm>
#include <system_error>
#include <workit/base/errors.hpp>

#include "own_image.hpp"
#include "pool_core.hpp"

namespace workit::workers {

namespace {

preempt::host_life_place host_life_from(preempt::warden& warden) {
  try {
    return warden.host_life();
  } catch (const std::system_error& none_left) {
    throw start_failed(std::string("a zygote could not be started: ") + none_left.what());
  }
}

}  // namespace

pool_core::group pool_core::start_zygote(zygote_roles::role r) {
  zygote_link::birth birth{.pool = options_.name,
                           .loops = loops_,
                           .host_life = host_life_from(warden_),
                           .limits = limits_,
                           .max_descriptors = options_.max_descriptors,
                           .sandbox = options_.sandbox,
                           .group = group_.get()};
  if (options_.preload != nullptr) birth.preload = options_.preload.encoded();
  if (options_.worker_init != nullptr) birth.worker_init = options_.worker_init.encoded();
  if (ready_) birth.loops.push_back(ready_.writing());
  birth.output = options_.output;
  auto fresh = std::make_shared<zygote_group>();
  fresh->link = std::make_unique<zygote_link>(std::move(birth));
  const int socket = fresh->link->socket();
  const int pidfd = fresh->link->pidfd();
  {
    const thread_lock guard(mutex_);
    fresh->ready_by = deadline_point::in(options_.preload_timeout, std::chrono::steady_clock::now());
    if (!fresh->ready_by.is_never()) overdue_.set_at_latest(fresh->ready_by.at());
    zygotes_.add(fresh, r);
    ++counts_.zygotes;
    if (life_ == life::closing) fresh->dismiss();  // stop() has not seen it
  }
  const auto readable = [self = shared_from_this(), fresh] { self->on_zygote_readable(fresh); };
  try {
    warden_.watch(socket, readable);
    warden_.watch(pidfd, readable);
    const thread_lock guard(mutex_);
    fresh->watched = true;
  } catch (...) {
    fresh->link->kill();
    bury(fresh);  // a zombie at worst: its pidfd is not watched, so its death is not heard of
    throw;
  }
  return fresh;
}

void pool_core::on_zygote_readable(const group& from) {
  for (;;) {
    std::vector<unique_fd> descriptors;
    message m;
    transfer got = transfer::closed;
    bool dead = false;
    int socket = -1;
    {
      const thread_lock guard(mutex_);
      if (!from->link || !from->watched) return;
      dead = from->link->has_exited();  // asked first: what it said before it died is heard before its death
      got = from->link->receive(m, descriptors);
      socket = from->link->socket();
      if (got == transfer::done) from->asked = false;
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

void pool_core::on_message(const group& from, const message& m, std::vector<unique_fd>& descriptors) {
  switch (m.kind) {
    case message_kind::begun: {
      const thread_lock guard(mutex_);
      from->begun = true;
      return;
    }
    case message_kind::ready: {
      const thread_lock guard(mutex_);
      from->ready = true;
      keep_health_checked();  // a start or a reload waits for its workers
      changed_.notify_all();
      break;
    }
    case message_kind::failed:
      return on_preload_failed(*from, "pool \"" + options_.name + "\": " + std::string(m.text.view()));
    case message_kind::forked:
      on_forked(*from, m, descriptors.empty() ? unique_fd() : std::move(descriptors.front()));
      break;
    case message_kind::exited:
      if (is_orphan(m.worker)) return;  // the zygote went on after all; the pidfd has told, or will
      return on_exited(m.worker, {.status = m.status, .cpu_us = m.cpu_us, .oom_guess = m.oom_guess});
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
  const thread_lock guard(mutex_);
  if (zygotes_.is_next(from)) return give_up(from, sentence);
  if (from.failure.empty()) from.failure = sentence;  // its end, which follows, is the next failure
  if (!zygotes_.is_serving(from) || life_ != life::starting) return;
  trouble_ = sentence;
  changed_.notify_all();
}

std::string pool_core::how_it_died(const std::string& words, stage at) const {
  if (at == stage::fresh) return why_not_begun(words);
  return words + (at == stage::begun && options_.preload ? " in its preload, " + preload_name_ : "");
}

void pool_core::zygote_died(const group& from) {
  if (const auto how = bury(from)) zygote_missing(*how);
}

std::optional<std::string> pool_core::bury(const group& from) {
  std::unique_ptr<zygote_link> link;
  std::vector<worker_table::orphan> orphans;
  bool was_serving = false;
  stage at{};
  {
    const thread_lock guard(mutex_);
    link = std::move(from->link);
    if (!link) return std::nullopt;
    at = from->ready ? stage::ready : from->begun ? stage::begun : stage::fresh;
    from->ready = false;
    orphans = workers_.take_orphans(*from, worker_table::with_tasks::die);
    changed_.notify_all();
    was_serving = zygotes_.is_serving(*from);
    if (was_serving) {
      zygotes_.drop_serving();
      losses_.clear();
    }
  }
  warden_.unwatch(link->socket());
  warden_.unwatch(link->pidfd());
  const auto words = link->reap();
  const auto how = how_it_died(words.empty() ? "is gone" : words, at);
  link.reset();
  adopt_orphans(orphans, how);
  const thread_lock guard(mutex_);
  if (zygotes_.is_next(*from)) give_up(*from, "its zygote " + how);
  from->cleared = true;
  zygotes_.forget_if_over(*from);
  changed_.notify_all();
  if (!was_serving) return std::nullopt;
  return from->failure.empty() ? how : from->failure;
}

void pool_core::zygote_missing(const std::string& how) {
  deferred_actions todo;
  bool now = false;
  {
    const thread_lock guard(mutex_);
    counts_.zygote_failures += life_ == life::starting || life_ == life::open;
    auto sentence = "the zygote of pool \"" + options_.name + "\" is gone (" + how + ")";
    if (life_ == life::starting && trouble_.empty()) trouble_ = sentence;
    changed_.notify_all();
    if (life_ != life::open) return;
    const auto next = outage_.failed(std::chrono::steady_clock::now());
    if (next.too_long) {
      trouble_ = std::move(sentence) + "; another one is tried every second";
      dispatch_.answer_all({trouble_}, todo);
    }
    if (!next.is_due) return;
    now = replacing_ = next.pause == duration::zero();
    if (!now) zygote_timer_.fire_after(next.pause);
  }
  run(std::move(todo));
  if (now) replace_zygote();
}

void pool_core::replace_zygote() {
  std::optional<std::string> failure;
  try {
    start_zygote(zygote_roles::role::serving);
  } catch (const std::exception& e) {
    failure = e.what();
  }
  {
    const thread_lock guard(mutex_);
    replacing_ = false;
    changed_.notify_all();
  }
  if (failure) zygote_missing(*failure);
}

void pool_core::on_zygote_timer() {
  if (!zygote_timer_.take_fired()) return;
  {
    const thread_lock guard(mutex_);
    if (life_ != life::open || zygotes_.serving() != nullptr) return;  // a reload was faster
    replacing_ = true;
  }
  replace_zygote();
}

}  // namespace workit::workers
