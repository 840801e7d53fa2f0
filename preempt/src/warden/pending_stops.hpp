// Stops whose kill was sent and whose proof is still to come.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <workit/base/thread_mutex.hpp>
#include <workit/base/unique_fd.hpp>
#include <workit/preempt/death_listener.hpp>

#include "stop_round.hpp"

namespace workit::preempt {

/// Waits for pidfds, and for the death notices that come before them. Its epoll set is its own, so a pool may watch the
/// same pidfds through the warden. Threads: any, unless said.
class pending_stops {
 public:
  /// Whether the death notice may serve as a proof; the pidfd always does.
  enum class notice : bool { unused, used };

  /// Errors: std::system_error when descriptors have run out.
  explicit pending_stops(death_listener& deaths);

  /// Proves the stop at once if the process has exited, else on the thread that hears of its end first.
  /// Blocks: no, unless the kernel has no memory to watch the pidfd: then until the process has exited.
  void add(unproven_stop stop, notice n);

  /// Readable while hear() has something to do.
  [[nodiscard]] int descriptor() const noexcept { return exits_.get(); }
  /// Proves the stops whose pidfds are readable. Threads: the warden's.
  void hear();

  [[nodiscard]] std::size_t size() const noexcept;
  /// Waits until every stop is proven and its task was told.
  void wait_until_none();

 private:
  struct entry {
    unproven_stop stop;
    bool complete = false;            // both its sources have been set up
    std::optional<stop_proof> early;  // proven before that
  };
  void proven(std::uint64_t id, stop_proof how) noexcept;
  void finish(unproven_stop stop, stop_proof how) noexcept;

  death_listener& deaths_;
  unique_fd exits_;
  mutable thread_mutex mutex_;
  std::condition_variable one_ended_;
  std::map<std::uint64_t, entry> waiting_ WORKIT_GUARDED_BY(mutex_);
  std::uint64_t last_id_ WORKIT_GUARDED_BY(mutex_) = 0;
  std::size_t open_ WORKIT_GUARDED_BY(mutex_) = 0;
};

}  // namespace workit::preempt
