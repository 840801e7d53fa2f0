// deadline_timer: see the header for what it promises.
//
// Invariants
// 1. While the heap is not empty, the timer is set to its top's instant or to an earlier one: arming an earlier cell
//    sets it, disarming leaves it. A timer that fires too early costs one wake-up, which sets it right; that is
//    cheaper than a system call for each of the many deadlines that never come.
// 2. Under a manual clock it ticks every millisecond of machine time from the first cell on until none is left.
// 3. A cell in the heap is alive: its owner disarms it, under the mutex, before it lets go.
// Lock order: one mutex, held across no callback; timerfd_settime(2) and read(2) of the timer do not block.
#include "deadline_timer.hpp"

#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <workit/base/assert.hpp>

#include "system_call.hpp"

namespace workit::preempt {
namespace {

constexpr duration manual_tick = std::chrono::milliseconds(1);

timespec to_timespec(duration since_epoch) noexcept {
  // Zero would switch the timer off.
  const auto ns = std::max<duration::rep>(since_epoch.count(), 1);
  return {static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
}

}  // namespace

// steady_clock is CLOCK_MONOTONIC in libstdc++ and libc++, so that its instants are the timer's.
deadline_timer::deadline_timer(clock_source& clock)
    : clock_(clock),
      timer_(checked(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), "timerfd_create")),
      set_to_(time_point::max()) {}

deadline_timer::~deadline_timer() {
  while (!heap_.empty()) heap_.disarm(*heap_.top());
}

void deadline_timer::arm(cancel_cell& cell, time_point at) {
  const std::lock_guard lock(mutex_);
  heap_.arm(cell, at);
  if (heap_.top()->at < set_to_) set_timer();
}

void deadline_timer::disarm(cancel_cell& cell) noexcept {
  const std::lock_guard lock(mutex_);
  heap_.disarm(cell);
}

std::size_t deadline_timer::size() const noexcept {
  const std::lock_guard lock(mutex_);
  return heap_.size();
}

std::vector<deadline_timer::expired> deadline_timer::take_due() {
  std::vector<expired> due;
  const std::lock_guard lock(mutex_);
  std::uint64_t fired = 0;
  while (::read(timer_.get(), &fired, sizeof fired) < 0 && errno == EINTR) {
  }
  const auto now = clock_.now();
  while (!heap_.empty() && heap_.top()->at <= now) {
    auto& cell = static_cast<cancel_cell&>(*heap_.top());
    heap_.disarm(cell);
    due.push_back({cell.shared_from_this(), deadline{cell.at}, now - cell.at});
  }
  set_timer();
  return due;
}

// Requires: the mutex.
void deadline_timer::set_timer() {
  itimerspec spec{};
  int flags = 0;
  set_to_ = heap_.empty() ? time_point::max() : heap_.top()->at;
  if (!heap_.empty() && clock_.is_manual()) {
    set_to_ = time_point::min();
    spec.it_value = spec.it_interval = to_timespec(manual_tick);
  } else if (!heap_.empty()) {
    flags = TFD_TIMER_ABSTIME;
    spec.it_value = to_timespec(set_to_.time_since_epoch());
  }
  const int failed = ::timerfd_settime(timer_.get(), flags, &spec, nullptr);
  WORKIT_ASSERT(failed == 0, std::string("the warden's timer cannot be set: timerfd_settime: ") + std::strerror(errno));
}

}  // namespace workit::preempt
