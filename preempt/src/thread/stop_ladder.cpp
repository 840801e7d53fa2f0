// stop_ladder: see the header for what it promises.
//
// Invariants
// 1. An attempt is in `climbing` from before its first kick until a kick has returned false or end() was called. It is
//    taken out under the mutex and released, which may destroy it, outside.
// 2. While an attempt in `climbing` has had its first kick, the timer is set to the earliest `next` or to an earlier
//    instant.
// Lock order: one mutex; no attempt is called under it.
#include <workit/preempt/stop_ladder.hpp>

#include <algorithm>
#include <iterator>
#include <vector>
#include <workit/base/thread_mutex.hpp>
#include <workit/base/timer_fd.hpp>
#include <workit/preempt/warden.hpp>

#include "climb.hpp"

namespace workit::preempt {

struct stop_ladder::state {
  explicit state(warden& w) : by(w), timer(timer_fd::make()) {}

  void add(climb c) {
    const thread_lock lock(mutex);
    climbing.push_back(std::move(c));
  }

  /// The first kick of that attempt has been sent.
  void kicked(const thread_stop_attempt* attempt) {
    const thread_lock lock(mutex);
    if (find(attempt) != climbing.end()) set_timer();
  }

  void remove(const thread_stop_attempt* attempt) {
    std::shared_ptr<thread_stop_attempt> last;
    const thread_lock lock(mutex);
    const auto found = find(attempt);
    if (found == climbing.end()) return;
    last = std::move(found->attempt);
    climbing.erase(found);
    set_timer();
  }

  std::vector<climb>::iterator find(const thread_stop_attempt* attempt) WORKIT_REQUIRES(mutex) {
    return std::ranges::find(climbing, attempt, [](const climb& c) { return c.attempt.get(); });
  }

  void set_timer() WORKIT_REQUIRES(mutex) {
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
      const thread_lock lock(mutex);
      static_cast<void>(timer.take_fired());
      std::ranges::copy_if(climbing, std::back_inserter(due), [&](const climb& c) { return c.next <= now; });
    }
    for (auto& c : due) {
      const bool goes_on = c.step(now);
      const thread_lock lock(mutex);
      const auto found = find(c.attempt.get());
      if (found == climbing.end()) continue;  // end() came meanwhile
      if (goes_on)
        *found = c;
      else
        climbing.erase(found);  // `due` holds the attempt
    }
    const thread_lock lock(mutex);
    set_timer();
  }

  warden& by;
  timer_fd timer;
  thread_mutex mutex;
  std::vector<climb> climbing WORKIT_GUARDED_BY(mutex);
};

stop_ladder::stop_ladder(warden& by) : state_(std::make_unique<state>(by)) {
  by.watch(state_->timer.get(), [s = state_.get()] { s->turn(); });
}

stop_ladder::~stop_ladder() { state_->by.unwatch(state_->timer.get()); }

void stop_ladder::begin(std::shared_ptr<thread_stop_attempt> attempt, duration grace) {
  const auto now = std::chrono::steady_clock::now();
  const auto* const key = attempt.get();
  state_->add({attempt, deadline_point::in(grace, now).at(), now + climb::first_pause});
  if (attempt->kick())
    state_->kicked(key);
  else
    state_->remove(key);
}

void stop_ladder::end(const thread_stop_attempt& attempt) noexcept { state_->remove(&attempt); }

}  // namespace workit::preempt
