// warden: see the header for what it promises.
//
// Invariants
// 1. A lease leaves the list exactly once: retired, found completed, or claimed. A claimed one is told stopped() once,
//    or stops in place.
// 2. Every stop goes through stop_round(). What that cannot prove at once waits in `pending` until the kernel reports
//    the death; at the end of a pool the thread that ends it waits instead.
// 3. The warden's thread runs deadlines, posted work and watched callbacks, one at a time; it never waits for a worker.
// 4. The host-life mutexes are held by the warden's thread from before the constructor returns until its last turn.
// Lock order: every part has a lock of its own, and none is held while another is taken or a callback runs. The
// exceptions are under the list's lock: lease::ask(), lease::claim_stop(), and the deadlines' lock.
#include <workit/preempt/warden.hpp>

#include <sched.h>

#include <atomic>
#include <latch>
#include <string>
#include <thread>
#include <utility>
#include <workit/base/assert.hpp>
#include <workit/base/quiet_thread.hpp>
#include <workit/preempt/death_listener.hpp>

#include "deadline_timer.hpp"
#include "host_life_file.hpp"
#include "lease_list.hpp"
#include "pending_stops.hpp"
#include "post_queue.hpp"
#include "stop_round.hpp"
#include "watch_set.hpp"

namespace workit::preempt {
namespace {

thread_local bool realtime_priority = false;

/// A kernel that preempts lazily (Linux 6.13, CONFIG_PREEMPT_LAZY) lets a computing thread finish its tick, up to 4 ms,
/// before another thread gets that processor, unless that one is a real-time thread. So the warden is one where the
/// host may have such threads. It does little at a time, and runs none of the host's code. Its children do not inherit
/// the priority. Source: sched(7).
void take_realtime_priority() noexcept {
  const sched_param lowest{.sched_priority = 1};
  realtime_priority = ::sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &lowest) == 0;
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
  void fire_deadlines();
  void stop(std::vector<claimed_stop> round);

  watch_set watches;
  deadline_timer deadlines;
  post_queue posts;
  lease_list leases;
  death_listener deaths;
  pending_stops pending;
  std::shared_ptr<host_life_file> life = host_life_file::make();
  std::atomic<stop_proof> proof{stop_proof::barrier};
  bool ending = false;  // read and written on the thread
  std::thread thread;
};

warden::warden(clock_source& clock) : state_(std::make_unique<state>(clock)) {
  auto& s = *state_;
  s.watches.watch(s.deadlines.descriptor(), [&s] { s.fire_deadlines(); });
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
  life->hold();
  alive.count_down();
  while (!ending) watches.turn();
  life->release();
}

void warden::arm(const std::shared_ptr<cancel_cell>& cell, time_point at) { state_->deadlines.arm(*cell, at); }

void warden::disarm(cancel_cell& cell) noexcept { state_->deadlines.disarm(cell); }

void warden::state::fire_deadlines() {
  for (const auto& due : deadlines.take_due()) {
    // False for a cell that was stopping already: it is due because a grace has ended.
    static_cast<void>(due.cell->request(due.cell->expiry(due.at, due.lateness), tell_alarm::no));
    if (due.cell->stopping()) stop(leases.claim_below(*due.cell));
  }
}

void warden::cancelled(const cancel_cell& cell) noexcept { state_->stop(state_->leases.claim_below(cell)); }

void warden::enlist(std::shared_ptr<lease> task) {
  state_->leases.add(task);
  if (task->cell->stopping()) state_->stop(state_->leases.claim(*task));
}

void warden::retire(lease& task) noexcept { state_->leases.remove(task); }

void warden::state::stop(std::vector<claimed_stop> round) {
  if (round.empty()) return;
  const auto in_use = proof.load(std::memory_order_relaxed);
  const auto death_notice = in_use == stop_proof::notice ? pending_stops::notice::used : pending_stops::notice::unused;
  for (auto& unproven : stop_round(std::move(round), in_use)) pending.add(std::move(unproven), death_notice);
}

void warden::shut_down(std::span<const std::shared_ptr<lease>> tasks, deadline_point until) noexcept {
  const cancel_record cause{reason::shutdown{}, std::chrono::steady_clock::now()};
  auto round = state_->leases.claim_all(tasks);
  if (!round.empty()) await_exits(stop_round(std::move(round), proof(), &cause), until);
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

death_listener& warden::deaths() noexcept { return state_->deaths; }

host_life_place warden::host_life() { return state_->life->take(); }

warden_load warden::load() const noexcept {
  return {state_->deadlines.size(), state_->leases.size(), state_->pending.size()};
}

}  // namespace workit::preempt
