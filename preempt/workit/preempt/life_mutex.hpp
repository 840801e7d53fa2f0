// A lock in shared memory that its owner holds for life, so that other processes learn of its death.
#pragma once

#include <pthread.h>

#include <cstdint>
#include <type_traits>

namespace workit::preempt {

/// A robust, process-shared mutex. The kernel marks it OWNER_DIED in exit_mm_release(), before it tears down the
/// owner's memory (kernel/futex: exit_robust_list()), so the mark does not wait for gigabytes of pages.
///
/// Requires: lies in a MAP_SHARED mapping; one owner per initialisation; the owner was started by fork() or exec: after
/// a raw clone() glibc keeps the parent's thread id, and the kernel never sets the mark. Guarantees: a waiter learns of
/// the end of the *thread* that holds it; the process may have other threads. Threads: hold() and release() on the
/// owner; the rest on any.
class life_mutex {
 public:
  /// How the owner's life ended, as the mutex saw it.
  enum class ending {
    died,      ///< it ended while it held the mutex
    released,  ///< it called release(), which it does on a clean end only
  };

  /// Initialises the memory that it is placed in (placement new) for a new owner. Requires: no thread holds it or waits
  /// for it.
  life_mutex();
  /// Does nothing: the mutex ends with its mapping, held or not.
  ~life_mutex() = default;
  life_mutex(const life_mutex&) = delete;
  life_mutex& operator=(const life_mutex&) = delete;

  /// The mutex that another process has initialised in the memory that `shared` maps.
  [[nodiscard]] static const life_mutex& at(const void* shared) noexcept;

  /// Takes it, for life. Blocks: no. Errors: asserts when it is not free.
  void hold();
  /// Releases it on a clean end. Requires: the calling thread holds it.
  void release();

  /// Waits until the owner has died or released it; returns at once if it has no owner. Any number of threads may wait;
  /// none of them takes the mutex over. A read-only mapping will do. The kernel wakes one waiter when the owner dies,
  /// and that one wakes the others unless it is killed first: a process that must not miss the death waits alone.
  /// Blocks: until then.
  [[nodiscard]] ending wait_for_death() const;

  /// The futex word: the owner's thread id, FUTEX_WAITERS, FUTEX_OWNER_DIED. What death_listener::watch() takes.
  [[nodiscard]] const std::uint32_t* word() const noexcept;

 private:
  pthread_mutex_t mutex_;
};

static_assert(std::is_standard_layout_v<life_mutex> && sizeof(life_mutex) == sizeof(pthread_mutex_t),
              "other processes find the pthread_mutex_t in the first bytes");

/// Whether the owner of a life mutex has died, by its word. A task that overwrites the page can forge this, unlike a
/// pidfd. Blocks: no. Threads: any.
[[nodiscard]] bool owner_died(const std::uint32_t* word) noexcept;

}  // namespace workit::preempt
