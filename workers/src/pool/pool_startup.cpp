// The start of a pool, and how it stands.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <workit/base/errors.hpp>
#include <workit/preempt/proof.hpp>
#include <workit/workers/init.hpp>

#include "pool_core.hpp"
#include "self_test.hpp"

namespace workit::workers {
namespace {

/// What the self-test of this process has found; -1 while it has not run.
std::atomic<int> found_proof{-1};

}  // namespace

pool_core::pool_core(process_options options, preempt::warden& warden, std::vector<int> loops)
    : options_(std::move(options)), limits_(values_of(options_.limits)), warden_(warden), loops_(std::move(loops)) {}

void pool_core::start() {
  if (!init_was_called())
    throw start_failed("pool \"" + options_.name +
                       "\" cannot start: workers are started by running this program's image again, and main is not "
                       "prepared for that. Add `workit::init(argc, argv);` as the first line of main");
  {
    const lock guard(mutex_);
    if (life_ == life::closed) throw start_failed(stopped_answer().why);
    if (life_ != life::fresh) throw start_failed("pool \"" + options_.name + "\" was started before: make a new one");
    life_ = life::starting;
  }
  try {
    listen();
    make_group();
    start_zygote(&pool_core::serving_);
    try_out_proof();
    wait_for_workers();
    const lock guard(mutex_);
    arm_shrink_timer();
  } catch (...) {
    stop({});
    throw;
  }
}

void pool_core::listen() {
  const auto watch = [&](unique_fd& place, int descriptor, void (pool_core::*heard)()) {
    place = unique_fd(descriptor);
    if (!place) throw start_failed("pool \"" + options_.name + "\" has no descriptor left for its timers");
    warden_.watch(descriptor, [self = shared_from_this(), heard] { ((*self).*heard)(); });
  };
  constexpr int timer_flags = TFD_CLOEXEC | TFD_NONBLOCK;
  watch(back_off_timer_, ::timerfd_create(CLOCK_MONOTONIC, timer_flags), &pool_core::on_back_off_over);
  watch(replenish_timer_, ::timerfd_create(CLOCK_MONOTONIC, timer_flags), &pool_core::on_replenish_timer);
  watch(zygote_timer_, ::timerfd_create(CLOCK_MONOTONIC, timer_flags), &pool_core::on_zygote_timer);
  watch(health_timer_, ::timerfd_create(CLOCK_MONOTONIC, timer_flags), &pool_core::on_health_timer);
  if (options_.idle_shrink)
    watch(shrink_timer_, ::timerfd_create(CLOCK_MONOTONIC, timer_flags), &pool_core::on_shrink_timer);
  if (options_.output == worker_output::captured)
    watch(outputs_, ::epoll_create1(EPOLL_CLOEXEC), &pool_core::on_output);
  if (options_.worker_init != nullptr)
    watch(ready_event_, ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), &pool_core::on_ready_event);
}

void pool_core::fall_silent() noexcept {
  for (auto* heard : {&back_off_timer_, &replenish_timer_, &shrink_timer_, &ready_event_, &zygote_timer_,
                      &health_timer_, &outputs_}) {
    if (*heard) warden_.unwatch(heard->get());
    heard->reset();
  }
}

/// One more worker than that is not a reason to wait; one that cannot be had is a reason to fail. From its return on
/// the pool is open: what fails then is tried again.
void pool_core::wait_for_workers() {
  lock guard(mutex_);
  const auto enough = [&] {
    return serving_ != nullptr && serving_->idle.size() + serving_->busy >= wanted_from(*serving_);
  };
  changed_.wait(guard, [&] { return life_ != life::starting || !trouble_.empty() || enough(); });
  if (!trouble_.empty()) throw start_failed(trouble_);
  if (life_ != life::starting) throw start_failed(stopped_answer().why);
  life_ = life::open;
}

pool_core::handle pool_core::take_probe() {
  lock guard(mutex_);
  const auto any = [&] { return serving_ != nullptr && !serving_->idle.empty(); };
  changed_.wait(guard, [&] { return life_ != life::starting || !trouble_.empty() || any(); });
  if (!any()) throw start_failed(trouble_.empty() ? stopped_answer().why : trouble_);
  auto worker = serving_->idle.back();
  enter(worker, worker_state::lost);
  return worker;
}

void pool_core::try_out_proof() {
  if (const int found = found_proof.load(); found >= 0) return warden_.set_proof(static_cast<stop_proof>(found));
  const auto victim = take_probe();
  const remote_call spin{id_of(&spin_on_beat), {}};
  const auto why = victim->write_request(spin, {.name = "self-test"});
  if (why || !victim->change_word(victim->word_in(phase::idle), victim->word_in(phase::running)))
    throw start_failed("pool \"" + options_.name + "\" could not try out its workers: " + why.value_or("died early"));
  wake(victim->control().word);
  const auto proof =
      preempt::probe_proof({victim->pidfd.get(), &victim->control().beat, victim->control().life.word()});
  found_proof = static_cast<int>(proof);
  warden_.set_proof(proof);
  fork_workers();
}

bool pool_core::drain(deadline until) {
  lock guard(mutex_);
  const auto empty = [&] { return unsettled_ == 0; };
  if (until.is_never()) {
    changed_.wait(guard, empty);
    return true;
  }
  return changed_.wait_until(guard, until.at(), empty);
}

pool_status pool_core::status() const {
  const auto at = std::chrono::steady_clock::now();
  const lock guard(mutex_);
  auto now = counts_;
  for (const auto& b : zygote_groups_) {
    now.busy += b->busy;
    now.starting += b->starting;
    now.idle += b->idle.size();
    if (b != serving_) now.outgoing += b->busy;
  }
  const auto could_run = options_.workers - std::min(options_.workers, now.busy);
  now.spares = now.idle - std::min(now.idle, could_run);
  const auto alive = now.starting + now.idle + now.busy;
  now.unreclaimed = workers_.size() - std::min(workers_.size(), alive);
  now.queued = queue_.size();
  now.waiting = queue_.outside();
  now.longest_wait = std::max(duration::zero(), at - queue_.oldest(at));
  if (serving_ != nullptr && serving_->link) now.zygote = serving_->link->pid();
  return now;
}

/// Room for what the pool itself forks, each worker with its keeper, twice for a reload, the dead that it waits for
/// included, and for the children of its tasks.
void pool_core::make_group() {
  if (options_.cgroup.directory.empty()) return;
  std::optional<std::uint64_t> most_processes;
  const auto wanted = options_.workers + options_.spares;
  if (const auto each = options_.limits.processes)
    most_processes = 2 * (2 + 2 * wanted) + 2 * most_dead(wanted) + *each * options_.workers;
  group_ = std::make_unique<pool_cgroup>(options_.cgroup, options_.name, most_processes);
}

process_limits pool_core::limits() const {
  auto kept = options_.limits;
  if (kept.processes && *kept.processes > 0 && options_.cgroup.directory.empty()) kept.processes.reset();
  return kept;
}

}  // namespace workit::workers
