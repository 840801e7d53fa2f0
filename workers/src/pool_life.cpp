// A pool from start to stop.
#include <poll.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <workit/base/errors.hpp>
#include <workit/preempt/proof.hpp>
#include <workit/workers/init.hpp>

#include "kill_worker.hpp"
#include "pool_core.hpp"
#include "worker.hpp"

namespace workit::workers {
namespace {

using namespace std::chrono_literals;

/// How long a zygote may take to end before it is killed; it normally takes a millisecond.
constexpr auto patience = 2s;

/// What the self-test of this process has found; -1 while it has not run.
std::atomic<int> found_proof{-1};

void wait_for_exit(int pidfd) noexcept {
  pollfd exit{pidfd, POLLIN, 0};
  while (::poll(&exit, 1, -1) < 0) {
  }
}

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
    if (life_ != life::fresh) throw start_failed("pool \"" + options_.name + "\" was started before: make a new one");
    life_ = life::starting;
  }
  try {
    back_off_timer_ = unique_fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!back_off_timer_) throw start_failed("pool \"" + options_.name + "\" has no descriptor left for its timer");
    warden_.watch(back_off_timer_.get(), [self = shared_from_this()] { self->on_back_off_over(); });
    make_group();
    start_zygote();
    try_out_proof();
    wait_for_workers();
    const lock guard(mutex_);
    if (life_ == life::starting) life_ = life::open;
  } catch (...) {
    stop();
    throw;
  }
}

/// One more worker than that is not a reason to wait; one that cannot be had is a reason to fail.
void pool_core::wait_for_workers() {
  lock guard(mutex_);
  const auto wanted = options_.workers + options_.spares;
  changed_.wait(guard, [&] { return life_ != life::starting || !trouble_.empty() || idle_.size() + busy_ >= wanted; });
  if (life_ != life::starting || !trouble_.empty()) throw start_failed(trouble_);
}

pool_core::handle pool_core::take_probe() {
  lock guard(mutex_);
  changed_.wait(guard, [&] { return life_ != life::starting || !trouble_.empty() || !idle_.empty(); });
  if (idle_.empty()) throw start_failed(trouble_);
  auto worker = std::move(idle_.back());
  idle_.pop_back();
  worker->state = worker_state::lost;
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
  const lock guard(mutex_);
  auto now = counts_;
  now.busy = busy_;
  now.idle = idle_.size();
  now.starting = starting_;
  const auto could_run = options_.workers - std::min(options_.workers, busy_);
  now.spares = idle_.size() - std::min(idle_.size(), could_run);
  const auto alive = starting_ + idle_.size() + busy_;
  now.unreclaimed = workers_.size() - std::min(workers_.size(), alive);
  now.queued = queue_.size();
  return now;
}

/// Room for what the pool itself forks, the dead that it waits for included, and for the children of its tasks.
void pool_core::make_group() {
  if (options_.cgroup.directory.empty()) return;
  std::optional<std::uint64_t> most_processes;
  const auto wanted = options_.workers + options_.spares;
  if (const auto each = options_.limits.processes)
    most_processes = 2 + wanted + most_dead(wanted) + *each * options_.workers;
  group_ = std::make_unique<pool_cgroup>(options_.cgroup, options_.name, most_processes);
}

process_limits pool_core::limits() const {
  auto kept = options_.limits;
  if (kept.processes && *kept.processes > 0 && options_.cgroup.directory.empty()) kept.processes.reset();
  return kept;
}

void pool_core::stop() noexcept {
  errands todo;
  {
    lock guard(mutex_);
    if (life_ == life::closing) changed_.wait(guard, [&] { return life_ == life::closed; });
    if (life_ == life::fresh) life_ = life::closed;
    if (life_ == life::closed) return;
    life_ = life::closing;
    fail_queue("pool \"" + options_.name + "\" was stopped", todo);
  }
  run(std::move(todo));
  for (std::size_t loop = 0; loop < loops_.size(); ++loop) collect(loop);
  kill_running();
  end_zygote();
  group_.reset();
  if (back_off_timer_) warden_.unwatch(back_off_timer_.get());
  back_off_timer_.reset();
  const lock guard(mutex_);
  life_ = life::closed;
  changed_.notify_all();
}

/// The same compare-and-swap and the same proof as the warden's, for all at once; their cells are not touched.
void pool_core::kill_running() noexcept {
  std::vector<launch> running;
  {
    const lock guard(mutex_);
    for (const auto& [number, worker] : workers_)
      if (worker->task) running.push_back({worker->task, worker});
  }
  using answer = preempt::stop_claim::answer;
  const auto requested = std::chrono::steady_clock::now();
  struct stop {
    launch l;
    preempt::stop_claim claim;
    bool sent = false;  // the kill, by us
  };
  std::vector<stop> taken;
  for (auto& l : running) {
    warden_.retire(*l.task);  // so that we are the only one who asks
    const auto claim = l.task->claim_stop();
    if (claim.what == answer::completed) continue;
    const bool sent = claim.what == answer::kill && kill_worker(*l.worker);
    taken.push_back({std::move(l), claim, sent});
  }
  running.clear();
  const bool barrier = !taken.empty() && warden_.proof() == stop_proof::barrier && preempt::barrier();
  for (auto& [l, claim, sent] : taken) {
    const bool killed = claim.what == answer::kill;
    const bool by_barrier = sent && barrier;
    if (killed && !by_barrier) wait_for_exit(claim.pidfd);
    stop_receipt receipt{.where = boundary::process};
    receipt.method = killed ? stop_method::killed : stop_method::withdrawn;
    receipt.proof = !killed ? stop_proof::returned : by_barrier ? stop_proof::barrier : stop_proof::pidfd;
    receipt.why = reason::shutdown{};
    receipt.worker = claim.worker;
    receipt.requested = requested;
    receipt.stopped = std::chrono::steady_clock::now();
    l.task->stopped(std::make_shared<receipt_slot>(std::move(receipt)));
  }
  taken.clear();
  // The rest is in other hands, committed while we came, or dying; a zygote that reports no deaths is replaced as
  // witness by the pidfds.
  lock guard(mutex_);
  while (unsettled_ != 0) {
    guard.unlock();
    for (std::size_t loop = 0; loop < loops_.size(); ++loop) collect(loop);
    guard.lock();
    if (unsettled_ != 0) changed_.wait_for(guard, 1ms);
    if (zygote_ && std::chrono::steady_clock::now() - requested > patience) zygote_->kill();
  }
}

void pool_core::end_zygote() noexcept {
  lock guard(mutex_);
  if (zygote_) static_cast<void>(zygote_->send({.kind = message_kind::quit}));
  const auto gone = [&] { return !zygote_ && !zygote_ending_; };
  if (!changed_.wait_for(guard, patience, gone)) {
    if (zygote_) zygote_->kill();
    changed_.wait(guard, gone);
  }
  // Orphans, if the zygote could not take them along, have their pidfds watched.
  changed_.wait(guard, [&] { return workers_.empty(); });
}

}  // namespace workit::workers
