// Workers that fail as they start: how many in a row, and how forking is slowed down for them.
#pragma once

#include <workit/workers/detail/restart_pause.hpp>

namespace workit::workers {

/// Counts failures between two successes. External synchronisation: the pool's mutex.
class start_failures {
 public:
  /// A worker has died before it was ready, or could not be forked.
  void failed() noexcept { ++in_a_row_; }
  /// A worker was ready, or a task has ended.
  void worked() noexcept { in_a_row_ = 0; }

  /// Whether there have been so many that waiting tasks are answered, if no worker is left alive.
  [[nodiscard]] bool are_many() const noexcept { return in_a_row_ >= most_tolerated; }
  /// Before the next fork.
  [[nodiscard]] duration pause() const noexcept { return restart_pause(in_a_row_); }

 private:
  static constexpr unsigned most_tolerated = 5;
  unsigned in_a_row_ = 0;
};

}  // namespace workit::workers
