// The start of a pool, and how it stands.
#include <algorithm>
#include <array>
#include <atomic>
#include <system_error>
#include <utility>
#include <vector>
#include <workit/base/errors.hpp>
#include <workit/preempt/proof.hpp>
#include <workit/workers/init.hpp>

#include "pool_calls.hpp"
#include "pool_core.hpp"
#include "self_test.hpp"

namespace workit::workers {
namespace {

/// What the self-test of this process has found; -1 while it has not run.
std::atomic<int> found_proof{-1};

}  // namespace

pool_core::pool_core(process_options options, preempt::warden& warden, std::vector<int> loops,
                     process_pool::wake_loop wake)
    : options_(std::move(options)),
      limits_(values_of(options_.limits)),
      warden_(warden),
      loops_(std::move(loops)),
      wake_loop_(std::move(wake)) {}

void pool_core::start() {
  if (!init_was_called())
    throw start_failed("pool \"" + options_.name +
                       "\" cannot start: workers are started by running this program's image again, and main is not "
                       "prepared for that. Add `workit::init(argc, argv);` as the first line of main");
  require_calls_of_pool();
  {
    const thread_lock guard(mutex_);
    if (life_ == life::closed) throw start_failed(stopped_answer().why);
    if (life_ != life::fresh) throw start_failed("pool \"" + options_.name + "\" was started before: make a new one");
    life_ = life::starting;
  }
  try {
    listen();
    make_group();
    start_zygote(zygote_roles::role::serving);
    try_out_proof();
    wait_for_workers();
    const thread_lock guard(mutex_);
    arm_shrink_timer();
  } catch (...) {
    stop({});
    throw;
  }
}

void pool_core::listen() {
  struct heard {
    int descriptor;
    void (pool_core::*call)();
  };
  std::vector<heard> all;
  {
    const thread_lock guard(mutex_);
    const auto add = [&](timer_fd& timer, void (pool_core::*call)()) {
      try {
        timer = timer_fd::make();
      } catch (const std::system_error&) {
        throw start_failed("pool \"" + options_.name + "\" has no descriptor left for its timers");
      }
      all.push_back({timer.get(), call});
    };
    add(back_off_.timer(), &pool_core::on_back_off_over);
    add(replenish_.timer(), &pool_core::on_replenish_timer);
    add(zygote_timer_, &pool_core::on_zygote_timer);
    add(health_.timer(), &pool_core::on_health_timer);
    add(overdue_.timer(), &pool_core::on_overdue_timer);
    if (options_.payload_memory != 0) {
      add(payloads_.timer(), &pool_core::on_payload_timer);
      frames_.emplace();
    }
    if (options_.idle_shrink) add(shrink_.timer(), &pool_core::on_shrink_timer);
  }
  const auto keep = [&](auto& place, auto made, void (pool_core::*call)()) {
    place = std::move(made);
    if (!place) throw start_failed("pool \"" + options_.name + "\" has no descriptor left for its workers");
    all.push_back({place.get(), call});
  };
  if (options_.output == worker_output::captured) keep(outputs_, output_set::make(), &pool_core::on_output);
  if (options_.worker_init != nullptr) keep(ready_, workit::detail::wake_pipe::make(), &pool_core::on_ready_event);
  for (const auto& h : all)
    warden_.watch(h.descriptor, [self = shared_from_this(), call = h.call] { ((*self).*call)(); });
}

void pool_core::fall_silent() noexcept {
  std::array<int, 9> heard{};
  {
    const thread_lock guard(mutex_);
    heard = {back_off_.timer().get(), replenish_.timer().get(), shrink_.timer().get(), health_.timer().get(),
             overdue_.timer().get(),  zygote_timer_.get(),      ready_.get(),          outputs_.get(),
             payloads_.timer().get()};
  }
  for (const int descriptor : heard)
    if (descriptor >= 0) warden_.unwatch(descriptor);
  const thread_lock guard(mutex_);
  for (auto* timer : {&back_off_, &replenish_, &shrink_, &payloads_, &health_, &overdue_}) timer->timer().reset();
  frames_.reset();
  zygote_timer_.reset();
  ready_.reset();
  outputs_.reset();
}

/// Waits for all wanted workers. A worker that cannot be had fails the start. When this returns the pool is open, and
/// what fails from then on is tried again.
void pool_core::wait_for_workers() {
  thread_lock guard(mutex_);
  changed_.wait(guard.native(), [this] {
    mutex_.assert_held();
    const auto& serving = zygotes_.serving();
    const bool are_enough = serving != nullptr && serving->idle.size() + serving->busy >= wanted_from(*serving);
    return life_ != life::starting || !trouble_.empty() || are_enough;
  });
  if (!trouble_.empty()) throw start_failed(trouble_);
  if (life_ != life::starting) throw start_failed(stopped_answer().why);
  life_ = life::open;
}

pool_core::handle pool_core::take_probe() {
  thread_lock guard(mutex_);
  changed_.wait(guard.native(), [this] {
    mutex_.assert_held();
    return life_ != life::starting || !trouble_.empty() || zygotes_.has_idle_worker();
  });
  if (!zygotes_.has_idle_worker()) throw start_failed(trouble_.empty() ? stopped_answer().why : trouble_);
  auto worker = zygotes_.serving()->idle.back();
  lose(worker);
  --counts_.started;  // the first pool of a process would have one more than the next
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

bool pool_core::drain(deadline_point until) {
  thread_lock guard(mutex_);
  const auto empty = [this] {
    mutex_.assert_held();
    return dispatch_.unsettled() == 0;
  };
  if (until.is_never()) {
    changed_.wait(guard.native(), empty);
    return true;
  }
  return changed_.wait_until(guard.native(), until.at(), empty);
}

pool_status pool_core::status() const {
  const auto at = std::chrono::steady_clock::now();
  const thread_lock guard(mutex_);
  auto now = counts_;
  for (const auto& g : zygotes_.all()) {
    now.busy += g->busy;
    now.starting += g->starting;
    now.idle += g->idle.size();
    if (!zygotes_.is_serving(*g)) now.outgoing += g->busy;
  }
  const auto could_run = options_.workers - std::min(options_.workers, now.busy);
  now.spares = now.idle - std::min(now.idle, could_run);
  now.unreclaimed = workers_.dying();
  const auto& queue = dispatch_.queue();
  now.queued = queue.size();
  now.waiting = queue.outside();
  now.longest_wait = std::max(duration::zero(), at - queue.oldest(at));
  if (const auto& serving = zygotes_.serving(); serving != nullptr && serving->link) now.zygote = serving->link->pid();
  return now;
}

/// pids.max has room for the zygote and the workers, each with its mm_holder, twice because of a reload; for the lost
/// ones that the pool waits for; and for the children of its tasks.
void pool_core::make_group() {
  if (options_.cgroup.directory.empty()) return;
  std::optional<std::uint64_t> most_processes;
  const auto wanted = options_.workers + options_.spares;
  if (const auto each = options_.limits.processes)
    most_processes = 2 * (2 + 2 * wanted) + 2 * pool_size::most_dying(wanted) + *each * options_.workers;
  group_ = std::make_unique<pool_cgroup>(options_.cgroup, options_.name, most_processes);
}

process_limits pool_core::limits() const {
  auto kept = options_.limits;
  if (kept.processes && *kept.processes > 0 && options_.cgroup.directory.empty()) kept.processes.reset();
  return kept;
}

}  // namespace workit::workers
