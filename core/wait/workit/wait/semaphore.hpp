// semaphore: a number of permits that fibers and threads take and give back.
#pragma once

#include <cstddef>
#include <workit/wait/detail/wait_queue.hpp>

namespace workit {

/// A counting semaphore: first come, first served, and cancellable. A permit that is released goes to the waiter
/// that has waited longest; no caller overtakes.
///
/// Threads: any, fibers of any loop and foreign threads alike. Lifetime: outlives its waiters.
class semaphore {
 public:
  /// How many permits there may be.
  static constexpr std::size_t most = std::size_t{1} << 31;

  /// Starts with `permits`, 0 to `most`. Errors: std::invalid_argument beyond it.
  explicit semaphore(std::size_t permits);
  semaphore(const semaphore&) = delete;
  semaphore& operator=(const semaphore&) = delete;

  /// Takes a permit. Blocks: the fiber, or the foreign thread, until there is one. Cancel: is a cancel point, and a
  /// permit that was given is kept; while an exception unwinds the fiber it waits on. Errors: asserts that it is not
  /// called on a loop's own stack.
  void acquire();
  /// Takes a permit if one is free and has no waiters. Blocks: no. Cancel: no cancel point.
  [[nodiscard]] bool try_acquire() noexcept;
  /// Gives back, or adds, `permits`. Blocks: no. Errors: asserts that no more than `most` are free then.
  void release(std::size_t permits = 1) noexcept;
  /// How many are free.
  [[nodiscard]] std::size_t available() const noexcept;

  /// A permit taken for as long as this lives. Construction is acquire(), with what that says of waiting.
  class [[nodiscard]] permit {
   public:
    explicit permit(semaphore& from) : from_(from) { from_.acquire(); }
    ~permit() { from_.release(); }
    permit(const permit&) = delete;
    permit& operator=(const permit&) = delete;

   private:
    semaphore& from_;
  };

 private:
  mutable detail::spin_lock lock_;
  std::size_t free_;  // guarded by lock_, like waiting_
  detail::wait_queue waiting_;
};

}  // namespace workit
