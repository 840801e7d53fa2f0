// One round of stops: the only code that kills a worker because its task is to stop, and that opens the receipt.
#pragma once

#include <memory>
#include <vector>
#include <workit/base/deadline_point.hpp>
#include <workit/preempt/lease.hpp>

namespace workit::preempt {

/// A task that lost the compare-and-swap to a stop; taken out of the list of leases.
struct claimed_stop {
  std::shared_ptr<lease> task;
  stop_claim claim;           ///< any answer but `completed`
  bool kill_is_sent = false;  ///< by this process, so that a barrier proves something
};

/// A stop with all that its receipt says except how and when it was proven.
struct unproven_stop {
  std::shared_ptr<lease> task;
  stop_claim claim;
  stop_receipt receipt;

  /// Completes the receipt and hands it to the task. Threads: any, without any lock.
  void prove(stop_proof by, time_point at) noexcept;
};

/// Stops the tasks of `round`: sends every kill, begins the stops in place, calls one barrier if that is the proof in
/// use, and tells the tasks whose stop is proven then. Returns the others: killed, and to be proven by their exit.
/// `cause`: why, for all of them; null means the cancellation that rules each task's cell.
/// Blocks: for the barrier, tens of microseconds. Threads: any, without any lock.
[[nodiscard]] std::vector<unproven_stop> stop_round(std::vector<claimed_stop> round, stop_proof in_use,
                                                    const cancel_record* cause = nullptr);

/// Waits for the exits of these workers and tells their tasks: proof `pidfd`, or `none` for one that has not exited at
/// `until`. Blocks: until then.
void await_exits(std::vector<unproven_stop> stops, deadline_point until) noexcept;

}  // namespace workit::preempt
