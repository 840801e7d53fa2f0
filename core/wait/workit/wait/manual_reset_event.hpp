// manual_reset_event: a flag that releases all its waiters when it is set.
#pragma once

#include <workit/wait/detail/wait_queue.hpp>

namespace workit {

/// set() releases all waiters; until reset(), wait() returns at once.
///
/// Threads: any, fibers of any loop and foreign threads alike; what was done before set() is seen after wait().
/// Lifetime: outlives its waiters.
class manual_reset_event {
 public:
  explicit manual_reset_event(bool set = false) noexcept : set_(set) {}
  manual_reset_event(const manual_reset_event&) = delete;
  manual_reset_event& operator=(const manual_reset_event&) = delete;

  /// Blocks: the fiber, or the foreign thread, until it is set; a caller that waited at a set() passes, also when
  /// reset() follows at once. Cancel: is a cancel point; while an exception unwinds the fiber it waits on. Errors:
  /// asserts that it is not called on a loop's own stack.
  void wait();
  /// Idempotent. Blocks: no.
  void set() noexcept;
  /// From here on wait() waits. Idempotent. Blocks: no.
  void reset() noexcept;
  [[nodiscard]] bool is_set() const noexcept;

 private:
  mutable detail::spin_lock lock_;
  bool set_;  // guarded by lock_, like waiting_
  detail::wait_queue waiting_;
};

}  // namespace workit
