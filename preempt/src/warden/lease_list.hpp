// The tasks under a warden's care, and the moment at which a stop claims them.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <vector>
#include <workit/base/thread_mutex.hpp>
#include <workit/preempt/lease.hpp>

#include "deadline_timer.hpp"
#include "stop_round.hpp"

namespace workit::preempt {

/// Threads: any. Blocks: for its own short lock.
class lease_list {
 public:
  /// `graces` holds the cell of a task that was asked to stop by itself until its grace is over.
  explicit lease_list(deadline_timer& graces) noexcept : graces_(graces) {}

  void add(std::shared_ptr<lease> task);
  /// One that is not in the list is fine.
  void remove(lease& task) noexcept;
  /// Of the tasks that `cell` rules, asks those that have a grace, and takes out the others and those whose grace is
  /// over. Returns those taken out that had not completed.
  [[nodiscard]] std::vector<claimed_stop> claim_below(const cancel_cell& cell);
  /// The same for one task. Empty when it is not in the list any more, has completed, or has a grace.
  [[nodiscard]] std::vector<claimed_stop> claim(lease& task);
  /// Takes out those of `tasks` that are in the list, grace or not; returns what of them had not completed.
  [[nodiscard]] std::vector<claimed_stop> claim_all(std::span<const std::shared_ptr<lease>> tasks);
  [[nodiscard]] std::size_t size() const noexcept;

 private:
  bool has_grace_left(lease& task) WORKIT_REQUIRES(mutex_);
  std::shared_ptr<lease> take_out(std::size_t place) noexcept WORKIT_REQUIRES(mutex_);

  deadline_timer& graces_;
  mutable thread_mutex mutex_;
  std::vector<std::shared_ptr<lease>> leases_ WORKIT_GUARDED_BY(mutex_);
  std::atomic<std::size_t> count_{0};
};

}  // namespace workit::preempt
