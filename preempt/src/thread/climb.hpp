// One stop on a stop ladder: its rungs, without the timer that leads from one to the next.
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <workit/preempt/stop_ladder.hpp>

namespace workit::preempt {

/// A plain record that step() moves on. Threads: one at a time.
struct climb {
  static constexpr duration first_pause = std::chrono::microseconds(100);
  static constexpr duration longest_pause = std::chrono::milliseconds(2);
  static constexpr duration pause_after_giving_up = std::chrono::milliseconds(10);

  std::shared_ptr<thread_stop_attempt> attempt;
  time_point give_up_at;  ///< the end of the grace
  time_point next;        ///< of the next kick
  duration pause = first_pause;
  bool given_up = false;

  /// The rung at `now`: gives the stop up if the grace is over, and kicks. False when no further kick is needed.
  bool step(time_point now) {
    // Before the kick, so that the thread has had a pause in which to take the last one.
    if (!given_up && now >= give_up_at) given_up = attempt->give_up();
    if (!attempt->kick()) return false;
    pause = given_up ? pause_after_giving_up : std::min(pause * 2, longest_pause);
    next = now + pause;
    if (give_up_at > now) next = std::min(next, give_up_at);
    return true;
  }
};

}  // namespace workit::preempt
