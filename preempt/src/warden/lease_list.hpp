// The tasks under a warden's care, and the moment at which a stop claims them.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>
#include <workit/preempt/lease.hpp>

#include "deadline_timer.hpp"
#include "stop_round.hpp"

namespace workit::preempt {

/// Threads: any. Blocks: for its own short lock.
class lease_list {
 public:
  /// `graces` tells when the time is up for a task that was asked to stop by itself: its cell is due there.
  explicit lease_list(deadline_timer& graces) noexcept : graces_(graces) {}

  void add(std::shared_ptr<lease> task);
  /// One that is not in the list is fine.
  void remove(lease& task) noexcept;
  /// Asks those tasks that `cell` rules and that have a grace; takes out the others, and those whose grace is over, and
  /// returns what of them had not completed.
  [[nodiscard]] std::vector<claimed_stop> claim_below(const cancel_cell& cell);
  /// The same for one task; nothing when it is not in the list any more, or has completed.
  [[nodiscard]] std::vector<claimed_stop> claim(lease& task);
  /// Takes out those of `tasks` that are in the list, grace or not; returns what of them had not completed.
  [[nodiscard]] std::vector<claimed_stop> claim_all(std::span<const std::shared_ptr<lease>> tasks);
  [[nodiscard]] std::size_t size() const noexcept;

 private:
  bool has_grace_left(lease& task);
  std::shared_ptr<lease> take_out(std::size_t place) noexcept;

  deadline_timer& graces_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<lease>> leases_;
  std::atomic<std::size_t> count_{0};
};

}  // namespace workit::preempt
