// stop_ladder: see the header.
//
// Invariants
// 1. An attempt is in `climbing` from before its first kick until one has returned false, or end(). It is dropped, and
//    so perhaps destroyed, without the lock.
// 2. The timer is set to the earliest `next`, or to an earlier instant, while there is one that has been kicked.
// Lock order: one mutex; no attempt is called under it.
#include <algorithm>
#include <iterator>
#include <mutex>
#include <vector>
#include <workit/base/timer_fd.hpp>
#include <workit/preempt/stop_ladder.hpp>
#include <workit/preempt/warden.hpp>

#include "system_call.hpp"

namespace workit::preempt {
namespace {

using namespace std::chrono_literals;
constexpr duration first_pause = 100us;
constexpr duration longest_pause = 2ms;
constexpr duration pause_after_giving_up = 10ms;

struct climb {
  std::shared_ptr<thread_stop_attempt> attempt;
  time_point give_up_at;
  time_point next;
  duration pause = first_pause;
  bool given_up = false;
};

}  // namespace

struct stop_ladder::state {
  explicit state(warden& w) : by(w), timer(timer_fd::make()) {}

  void add(climb c) {
    const std::lock_guard lock(mutex);
    climbing.push_back(std::move(c));
  }

  /// The first kick of that attempt has been sent.
  void kicked(const thread_stop_attempt* attempt) {
    const std::lock_guard lock(mutex);
    if (find(attempt) != climbing.end()) set_timer();
  }

  void remove(const thread_stop_attempt* attempt) {
    std::shared_ptr<thread_stop_attempt> last;
    const std::lock_guard lock(mutex);
    const auto found = find(attempt);
    if (found == climbing.end()) return;
    last = std::move(found->attempt);
    climbing.erase(found);
    set_timer();
  }

  /// Requires: the mutex.
  std::vector<climb>::iterator find(const thread_stop_attempt* attempt) {
    return std::ranges::find(climbing, attempt, [](const climb& c) { return c.attempt.get(); });
  }

  /// Requires: the mutex.
  void set_timer() {
    const auto earliest = std::ranges::min_element(climbing, {}, &climb::next);
    if (earliest != climbing.end())
      timer.fire_at(earliest->next);
    else
      timer.turn_off();
  }

  void turn() {
    const auto now = std::chrono::steady_clock::now();
    std::vector<climb> due;
    {
      const std::lock_guard lock(mutex);
      static_cast<void>(timer.take_fired());
      std::ranges::copy_if(climbing, std::back_inserter(due), [&](const climb& c) { return c.next <= now; });
    }
    for (auto& c : due) {
      const bool goes_on = step(c, now);
      const std::lock_guard lock(mutex);
      const auto found = find(c.attempt.get());
      if (found == climbing.end()) continue;  // end() came meanwhile
      if (goes_on)
        *found = c;
      else
        climbing.erase(found);  // `due` holds the attempt
    }
    const std::lock_guard lock(mutex);
    set_timer();
  }

  static bool step(climb& c, time_point now) {
    // Before the kick, so that there was a while to take the last one.
    if (!c.given_up && now >= c.give_up_at) c.given_up = c.attempt->give_up();
    if (!c.attempt->kick()) return false;
    c.pause = c.given_up ? pause_after_giving_up : std::min(c.pause * 2, longest_pause);
    c.next = now + c.pause;
    if (c.give_up_at > now) c.next = std::min(c.next, c.give_up_at);
    return true;
  }

  warden& by;
  timer_fd timer;
  std::mutex mutex;
  std::vector<climb> climbing;
};

stop_ladder::stop_ladder(warden& by) : state_(std::make_unique<state>(by)) {
  by.watch(state_->timer.get(), [s = state_.get()] { s->turn(); });
}

stop_ladder::~stop_ladder() { state_->by.unwatch(state_->timer.get()); }

void stop_ladder::begin(std::shared_ptr<thread_stop_attempt> attempt, duration patience) {
  const auto now = std::chrono::steady_clock::now();
  const auto* const key = attempt.get();
  state_->add({attempt, deadline::in(patience, now).at(), now + first_pause});
  if (attempt->kick())
    state_->kicked(key);
  else
    state_->remove(key);
}

void stop_ladder::end(const thread_stop_attempt& attempt) noexcept { state_->remove(&attempt); }

}  // namespace workit::preempt
