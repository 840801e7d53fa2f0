// spin_lock: a lock that is held for a few instructions.
#pragma once

#include <atomic>

namespace workit::detail {

/// How a thread waits for another that is in the middle of a few instructions: it spins, then lets others run, then
/// sleeps for moments, since the other may have lost its processor. One object per wait.
class backoff {
 public:
  /// Blocks: the thread, for a moment.
  void pause() noexcept;

 private:
  unsigned rounds_ = 0;
};

/// Waits until `ready()`, which another thread makes true within a few instructions.
template <class Ready>
void spin_until(Ready&& ready) noexcept {
  for (backoff wait; !ready();) wait.pause();
}

/// For std::lock_guard and std::unique_lock. Never held across user code, a system call or a suspension; to take a
/// free one costs one atomic exchange. Threads: any.
class spin_lock {
 public:
  spin_lock() = default;
  spin_lock(const spin_lock&) = delete;
  spin_lock& operator=(const spin_lock&) = delete;

  void lock() noexcept {
    while (held_.exchange(true, std::memory_order_acquire))
      spin_until([this] { return !held_.load(std::memory_order_relaxed); });
  }
  void unlock() noexcept { held_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> held_{false};
};

}  // namespace workit::detail
