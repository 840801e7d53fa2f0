// warden: see the header for what it promises.
//
// Invariants
// 1. A lease leaves the list exactly once: retired, found completed, or claimed. A claimed one is told stopped() once.
// 2. No stopped() before its proof: withdrawn ones never began; all that were killed in a round are proven by one
// barrier
//    that began after the round's last kill; everything else waits in `pending` until the kernel says so.
// 3. The warden's thread runs deadlines, posted work and watched callbacks, one at a time; it never waits for a worker.
// 4. The host-life mutex is held by the warden's thread from before the constructor returns until its last turn.
// Lock order: every part has a lock of its own, and none is held while another is taken or a callback runs. The
// exceptions are under the list's lock: lease::ask(), lease::claim_stop(), and the deadlines' lock.
#include <workit/preempt/warden.hpp>

#include <sched.h>

#include <atomic>
#include <latch>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <workit/base/assert.hpp>
#include <workit/base/quiet_thread.hpp>
#include <workit/preempt/death_listener.hpp>
#include <workit/preempt/proof.hpp>

#include "deadline_timer.hpp"
#include "host_life_file.hpp"
#include "lease_list.hpp"
#include "pending_stops.hpp"
#include "post_queue.hpp"
#include "watch_set.hpp"

namespace workit::preempt {
namespace {

using kill_delegate = std::shared_ptr<const std::function<void(pid_t)>>;

thread_local bool realtime_priority = false;

/// A kernel that preempts lazily lets who computes go on to the end of its tick, milliseconds, before it wakes anybody
/// on that processor, except for real-time threads: so the warden is one where the host may have that. It does little
/// at a time, and nothing of the host's. Its children are none. Source: sched(7).
void take_realtime_priority() noexcept {
  const sched_param lowest{.sched_priority = 1};
  realtime_priority = ::sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &lowest) == 0;
}

stop_receipt open_receipt(const claimed_stop& stop) {
  const auto* record = stop.task->cell->record();
  WORKIT_ASSERT(
      record != nullptr,
      "warden::cancelled() was told of a cell that is not cancelled: only cancel_cell::request() leads there");
  stop_receipt receipt;
  receipt.where = boundary::process;
  receipt.why = record->why;
  receipt.requested = record->at;
  receipt.worker = stop.claim.worker;
  receipt.method = stop.claim.what == stop_claim::answer::kill ? stop_method::killed : stop_method::withdrawn;
  if (stop.claim.what == stop_claim::answer::in_place) receipt.where = boundary::thread;
  return receipt;
}

}  // namespace

normal_priority_scope::normal_priority_scope() noexcept : leaves_(realtime_priority) {
  const sched_param none{};
  if (leaves_) ::sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &none);
}

normal_priority_scope::~normal_priority_scope() {
  if (leaves_) take_realtime_priority();
}

struct warden::state {
  explicit state(clock_source& clock) : deadlines(clock), leases(deadlines), pending(deaths) {}

  void run(std::latch& alive);
  void fire_deadlines(warden& self);
  void stop(std::vector<claimed_stop> round);
  kill_answer kill_one(const stop_claim& claim);

  watch_set watches;
  deadline_timer deadlines;
  post_queue posts;
  lease_list leases;
  death_listener deaths;
  pending_stops pending;
  host_life_file life;
  std::atomic<stop_proof> proof{stop_proof::barrier};
  std::mutex delegate_mutex;
  kill_delegate delegate;
  bool ending = false;  // the thread's own
  std::thread thread;
};

warden::warden(clock_source& clock) : state_(std::make_unique<state>(clock)) {
  auto& s = *state_;
  s.watches.watch(s.deadlines.descriptor(), [this] { state_->fire_deadlines(*this); });
  s.watches.watch(s.posts.descriptor(), [&s] { s.posts.run(); });
  s.watches.watch(s.pending.descriptor(), [&s] { s.pending.hear(); });
  std::latch alive(1);
  s.thread = start_quiet_thread("workit-warden", [&] { s.run(alive); });
  alive.wait();
}

warden::~warden() {
  const auto left = state_->leases.size();
  WORKIT_ASSERT(left == 0, "the warden ends with " + std::to_string(left) +
                               " tasks under its care: end the pools, which retire their leases, before it");
  state_->pending.wait_until_none();
  state_->posts.post([s = state_.get()] { s->ending = true; });
  state_->thread.join();
}

void warden::state::run(std::latch& alive) {
  take_realtime_priority();
  life.mutex().hold();
  alive.count_down();
  while (!ending) watches.turn();
  life.mutex().release();
}

void warden::arm(const std::shared_ptr<cancel_cell>& cell, time_point at) { state_->deadlines.arm(*cell, at); }

void warden::disarm(cancel_cell& cell) noexcept { state_->deadlines.disarm(cell); }

void warden::state::fire_deadlines(warden& self) {
  for (const auto& due : deadlines.take_due()) {
    // A cell that was stopping already has come to the end of a grace. One with a listener has called cancelled() by
    // now, and the second call finds nothing left to stop.
    static_cast<void>(due.cell->request(due.cell->expiry(due.at, due.lateness)));
    if (due.cell->stopping()) self.cancelled(*due.cell);
  }
}

void warden::cancelled(const cancel_cell& cell) noexcept { state_->stop(state_->leases.claim_below(cell)); }

void warden::enlist(std::shared_ptr<lease> task) {
  state_->leases.add(task);
  if (task->cell->stopping()) state_->stop(state_->leases.claim(*task));
}

void warden::retire(lease& task) noexcept { state_->leases.remove(task); }

// One round: every kill is sent before the first proof is waited for, so that nobody waits behind another's corpse.
void warden::state::stop(std::vector<claimed_stop> round) {
  if (round.empty()) return;
  using answer = stop_claim::answer;
  const auto method = proof.load(std::memory_order_relaxed);
  std::vector<kill_answer> answers(round.size(), kill_answer::failed);
  bool sent = false;
  for (std::size_t i = 0; i < round.size(); ++i) {
    if (round[i].claim.what == answer::in_place) round[i].task->stop_in_place(open_receipt(round[i]));
    if (round[i].claim.what != answer::kill) continue;
    answers[i] = kill_one(round[i].claim);
    sent |= answers[i] == kill_answer::sent;
  }
  const bool proven = sent && method == stop_proof::barrier && barrier();
  const auto at = std::chrono::steady_clock::now();

  for (std::size_t i = 0; i < round.size(); ++i) {
    if (round[i].claim.what == answer::in_place) continue;
    auto receipt = open_receipt(round[i]);
    unproven_stop stop{std::move(round[i].task), round[i].claim, std::move(receipt)};
    if (stop.claim.what == answer::withdrawn)
      stop.prove(stop_proof::returned, at);
    else if (proven && answers[i] == kill_answer::sent)
      stop.prove(stop_proof::barrier, at);
    else
      pending.add(std::move(stop),
                  method == stop_proof::notice ? pending_stops::notice::used : pending_stops::notice::unused);
  }
}

kill_answer warden::state::kill_one(const stop_claim& claim) {
  const auto answered = send_kill(claim.pidfd);
  if (answered != kill_answer::denied) return answered;
  kill_delegate ask;
  {
    const std::lock_guard lock(delegate_mutex);
    ask = delegate;
  }
  if (ask != nullptr) (*ask)(claim.worker);
  return answered;
}

void warden::watch(int descriptor, std::function<void()> ready) { state_->watches.watch(descriptor, std::move(ready)); }

void warden::unwatch(int descriptor) noexcept { state_->watches.unwatch(descriptor); }

void warden::post(std::function<void()> work) { state_->posts.post(std::move(work)); }

stop_proof warden::proof() const noexcept { return state_->proof.load(std::memory_order_relaxed); }

void warden::set_proof(stop_proof p) noexcept {
  WORKIT_ASSERT(p == stop_proof::barrier || p == stop_proof::notice || p == stop_proof::pidfd,
                "a warden proves a stop by barrier, notice or pidfd, not by \"" + std::string(to_string(p)) +
                    "\": pass on what probe_proof() answered");
  state_->proof.store(p, std::memory_order_relaxed);
}

void warden::delegate_kill(std::function<void(pid_t)> ask) {
  auto fresh = std::make_shared<const std::function<void(pid_t)>>(std::move(ask));
  const std::lock_guard lock(state_->delegate_mutex);
  state_->delegate.swap(fresh);
}

death_listener& warden::deaths() noexcept { return state_->deaths; }

int warden::host_life() const noexcept { return state_->life.descriptor(); }

warden_load warden::load() const noexcept {
  return {state_->deadlines.size(), state_->leases.size(), state_->pending.size()};
}

}  // namespace workit::preempt
