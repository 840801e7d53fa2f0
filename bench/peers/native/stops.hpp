// Takes the samples of a peer: stops of victims, and round trips of trivial tasks.
#pragma once

#include <functional>

#include "round.hpp"
#include "stamp.hpp"

namespace peers {

/// How much to measure.
struct extent {
  int samples;      // stops wanted; five times as many round trips
  int seconds;      // after which fewer stops are enough
  int largest_mib;  // memory of the largest victim
};

/// A way to stop work, as its caller uses it.
struct way {
  std::function<void(stamp&)> start;          // starts a victim that marks the stamp without end
  std::function<void()> stop;                 // requests the stop; returns when the caller may go on
  std::function<int(int)> trivial_successor;  // the result of a trivial task
};

/// Adds caller_resumed, last_instruction and next_task. A stop whose victim did not run at the request says nothing and
/// is not counted.
/// Errors: std::runtime_error when a victim still runs a second after the request, or a task has a wrong result.
void measure_stops(round& to, const description& peer, int memory_mib, const way& how, extent much);

/// Adds round_trip, warm.
void measure_round_trips(round& to, const description& peer, const way& how, extent much);

// The peers; each adds all that it can say.
void pthread_cancel_asynchronous(round& to, extent much);
void jthread_asking_its_token(round& to, extent much);
void jthread_ignoring_its_token(round& to, extent much);
void fork_and_sigkill(round& to, extent much);

}  // namespace peers
