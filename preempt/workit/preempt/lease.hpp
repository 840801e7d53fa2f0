// What the warden can stop: one task that runs, or waits to run, behind a worker boundary.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <workit/base/cancel_cell.hpp>
#include <workit/base/receipt.hpp>

namespace workit::preempt {

/// What a lease answers when the warden wants to stop it.
struct stop_claim {
  enum class answer {
    completed,  ///< the task had committed its result first: nothing is sent
    withdrawn,  ///< it had not started, and now never will: nothing to send
    in_place,   ///< it runs on a thread of this process: stop_in_place() is to be called
    kill,       ///< it runs in the process behind `pidfd`, which is now the warden's to kill
  };
  answer what = answer::completed;
  int pidfd = -1;    ///< for `kill`; stays open until stopped() has returned
  pid_t worker = 0;  ///< for `kill`; for messages and receipts only
  /// For `kill`: the word of the worker's life mutex, mapped until stopped() has returned; null when there is none.
  const std::uint32_t* death_word = nullptr;
};

/// One task as the warden sees it. Implemented by a pool, whose workers have called register_for_barrier().
class lease {
 public:
  lease(cancel_cell::ptr ruling, boundary runs_at) : cell(std::move(ruling)), where(runs_at) {}
  virtual ~lease() = default;

  /// Asks the task to stop by itself and returns the grace it has for that; with none (zero or less) it is stopped at
  /// once. Called at most once, before claim_stop(), under the warden's lock, on the terms of claim_stop().
  [[nodiscard]] virtual duration ask() noexcept { return duration::zero(); }

  /// The one compare-and-swap between completion and stop. Called at most once, under the warden's lock. Takes no lock
  /// that is ever held while calling the warden, runs no user code, does not block.
  [[nodiscard]] virtual stop_claim claim_stop() noexcept = 0;

  /// The stop is proven: not one instruction of the task will run. Called once after `kill` or `withdrawn`, without
  /// any lock, on the thread that made the proof (a canceller's, the warden's or the death listener's).
  virtual void stopped(std::shared_ptr<receipt_slot> receipt) noexcept = 0;

  /// Begins the stop of a task on a thread of this process. Called once, after `in_place`, on the canceller's or the
  /// warden's thread, without any lock; the lease writes the receipt and tells its caller. Does not block.
  virtual void stop_in_place() noexcept;

  /// Has another process, such as the worker's parent, kill the worker: the kernel does not let this one (EPERM: the
  /// host has dropped its privileges since). Called after `kill`, on the thread that stops, without any lock. Does not
  /// block. The default does nothing: the stop then waits for the exit of the worker.
  virtual void ask_to_kill() noexcept {}

  /// A cancellation of this cell, or above it, stops the task.
  const cancel_cell::ptr cell;
  /// The boundary behind which the task runs, for its receipt.
  const boundary where;

  /// The warden's own marks: the place among the leases, and the end of the grace once the task was asked.
  std::size_t place = static_cast<std::size_t>(-1);
  std::optional<time_point> grace_until{};
};

}  // namespace workit::preempt
