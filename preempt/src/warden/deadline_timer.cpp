// deadline_timer: see the header for what it promises.
//
// Invariants
// 1. While the heap is not empty, the timer is set to the instant of its top or to an earlier one: arming an earlier
//    cell sets it, disarming leaves it. A timer that fires too early costs one wake-up, which sets it anew. That is
//    cheaper than a system call for each of the many deadlines that are disarmed in time.
// 2. Under a manual clock it ticks every millisecond of machine time from the first cell on until none is left.
// 3. A cell in the heap is alive: its owner disarms it, which takes the mutex, before it releases it.
// Lock order: one mutex, held across no callback; setting and reading the timer do not block.
#include "deadline_timer.hpp"

namespace workit::preempt {
namespace {

constexpr duration manual_tick = std::chrono::milliseconds(1);

}  // namespace

deadline_timer::deadline_timer(clock_source& clock)
    : clock_(clock), timer_(timer_fd::make()), set_to_(time_point::max()) {}

deadline_timer::~deadline_timer() {
  while (!heap_.empty()) heap_.disarm(*heap_.top());
}

void deadline_timer::arm(cancel_cell& cell, time_point at) {
  const thread_lock lock(mutex_);
  heap_.arm(cell, at);
  if (heap_.top()->at < set_to_) set_timer();
}

void deadline_timer::disarm(cancel_cell& cell) noexcept {
  const thread_lock lock(mutex_);
  heap_.disarm(cell);
}

std::size_t deadline_timer::size() const noexcept {
  const thread_lock lock(mutex_);
  return heap_.size();
}

std::vector<deadline_timer::expired> deadline_timer::take_due() {
  std::vector<expired> due;
  const thread_lock lock(mutex_);
  static_cast<void>(timer_.take_fired());
  const auto now = clock_.now();
  while (!heap_.empty() && heap_.top()->at <= now) {
    auto& cell = static_cast<cancel_cell&>(*heap_.top());
    heap_.disarm(cell);
    due.push_back({cell.shared_from_this(), deadline_point{cell.at}, now - cell.at});
  }
  set_timer();
  return due;
}

void deadline_timer::set_timer() {
  set_to_ = heap_.empty() ? time_point::max() : heap_.top()->at;
  if (heap_.empty()) return timer_.turn_off();
  if (!clock_.is_manual()) return timer_.fire_at(set_to_);
  set_to_ = time_point::min();
  timer_.fire_every(manual_tick);
}

}  // namespace workit::preempt
