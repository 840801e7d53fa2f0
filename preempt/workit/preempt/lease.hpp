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
  explicit lease(cancel_cell::ptr ruling) : cell(std::move(ruling)) {}
  virtual ~lease() = default;

  /// The first rung, before claim_stop(): asks the task to stop by itself, and says how long it may take for that. Not
  /// above zero: it is stopped at once. Called at most once, under the warden's lock, on the terms of claim_stop().
  [[nodiscard]] virtual duration ask() noexcept { return duration::zero(); }

  /// The one compare-and-swap between completion and stop. Called at most once, under the warden's lock: takes no
  /// lock of its own that is ever held while calling the warden, runs no user code, does not block.
  [[nodiscard]] virtual stop_claim claim_stop() noexcept = 0;

  /// The stop is proven: not one instruction of the task will run. Called once after `kill` or `withdrawn`, without
  /// any lock, on the thread that made the proof (a canceller's, the warden's or the death listener's).
  virtual void stopped(std::shared_ptr<receipt_slot> receipt) noexcept = 0;

  /// Begins the stop of a task on a thread of this process, on the canceller's or the warden's own thread, without any
  /// lock. Called once, after `in_place`; the lease finishes `opened`, and tells whoever waits, itself. Does not block.
  virtual void stop_in_place(stop_receipt opened) noexcept;

  /// Its being cancelled is what stops the task.
  const cancel_cell::ptr cell;

  /// The warden's own marks: its place among the leases, and until when it has leave to stop by itself.
  std::size_t place = static_cast<std::size_t>(-1);
  std::optional<time_point> grace_until{};
};

}  // namespace workit::preempt
