// lease_list: see the header for what it promises.
//
// Invariants
// 1. leases_[i]->place == i; a lease that is not in the list has no place. The thread that takes a lease out, under the
//    mutex, alone calls its claim_stop(): at most once.
// 2. count_ changes with leases_, and claim_below() reads it by a read-modify-write (fetch_add of 0). That decides the
//    race between enlist() { change the count; read the cell } and cancelled() { change the cell; read the count }: of
//    two read-modify-writes one comes second, and sees what the other thread did before its own. So the canceller sees
//    the task, or the enlisting thread sees the cancellation; both is fine by 1.
// 3. A cell is armed for the end of a grace under the mutex, while its lease is in the list. remove() comes after that,
//    and the owner of the cell disarms it after remove().
// Lock order: the mutex, then that of the timer, or what lease::ask() and claim_stop() may take by their contract.
// Leases are released, and their other functions called, outside the mutex.
#include "lease_list.hpp"

#include <string>
#include <utility>
#include <workit/base/assert.hpp>

namespace workit::preempt {
namespace {

constexpr auto no_place = static_cast<std::size_t>(-1);

}  // namespace

void lease::stop_in_place() noexcept {
  WORKIT_ASSERT(false, "a lease has answered in_place to claim_stop() and cannot stop in place");
}

void lease_list::add(std::shared_ptr<lease> task) {
  const thread_lock lock(mutex_);
  WORKIT_ASSERT(task->place == no_place, "a task was enlisted twice: retire its lease first, or make one per run");
  leases_.push_back(std::move(task));
  leases_.back()->place = leases_.size() - 1;
  count_.fetch_add(1, std::memory_order_acq_rel);
}

void lease_list::remove(lease& task) noexcept {
  std::shared_ptr<lease> released;
  const thread_lock lock(mutex_);
  if (task.place != no_place) released = take_out(task.place);
}

std::vector<claimed_stop> lease_list::claim_below(const cancel_cell& cell) {
  std::vector<claimed_stop> claimed;
  if (count_.fetch_add(0, std::memory_order_acq_rel) == 0) return claimed;
  std::vector<std::shared_ptr<lease>> completed;  // released outside the mutex
  const thread_lock lock(mutex_);
  for (std::size_t i = 0; i < leases_.size();) {
    if (!leases_[i]->cell->is_below(cell) || has_grace_left(*leases_[i])) {
      ++i;
      continue;
    }
    auto task = take_out(i);
    const auto claim = task->claim_stop();
    if (claim.what == stop_claim::answer::completed)
      completed.push_back(std::move(task));
    else
      claimed.push_back({std::move(task), claim});
  }
  return claimed;
}

std::vector<claimed_stop> lease_list::claim(lease& task) {
  std::vector<claimed_stop> claimed;
  std::shared_ptr<lease> taken;
  const thread_lock lock(mutex_);
  if (task.place == no_place || has_grace_left(task)) return claimed;
  taken = take_out(task.place);
  const auto claim = taken->claim_stop();
  if (claim.what != stop_claim::answer::completed) claimed.push_back({std::move(taken), claim});
  return claimed;
}

std::vector<claimed_stop> lease_list::claim_all(std::span<const std::shared_ptr<lease>> tasks) {
  std::vector<claimed_stop> claimed;
  const thread_lock lock(mutex_);
  for (const auto& task : tasks) {  // which keeps it alive
    if (task->place == no_place) continue;
    auto taken = take_out(task->place);
    const auto claim = taken->claim_stop();
    if (claim.what != stop_claim::answer::completed) claimed.push_back({std::move(taken), claim});
  }
  return claimed;
}

std::size_t lease_list::size() const noexcept {
  const thread_lock lock(mutex_);
  return leases_.size();
}

// Asks at the first call.
bool lease_list::has_grace_left(lease& task) {
  if (task.grace_until) return graces_.now() < *task.grace_until;
  const auto grace = task.ask();
  if (grace <= duration::zero()) return false;
  task.grace_until = deadline_point::in(grace, graces_.now()).at();
  graces_.arm(*task.cell, *task.grace_until);
  return true;
}

// Requires: a valid place.
std::shared_ptr<lease> lease_list::take_out(std::size_t place) noexcept {
  auto task = std::move(leases_[place]);
  if (place + 1 != leases_.size()) {
    leases_[place] = std::move(leases_.back());
    leases_[place]->place = place;
  }
  leases_.pop_back();
  task->place = no_place;
  count_.fetch_sub(1, std::memory_order_acq_rel);
  return task;
}

}  // namespace workit::preempt
