// A lock in shared memory that is held for as long as its owner lives, so that others learn of its death.
#pragma once

#include <pthread.h>

#include <cstdint>
#include <type_traits>

namespace workit::preempt {

/// A robust, process-shared mutex used as a life line. The kernel marks it OWNER_DIED in exit_mm_release(), before the
/// owner's memory is torn down (kernel/futex: exit_robust_list()), so the news does not wait for gigabytes of pages.
///
/// Requires: lies in a MAP_SHARED mapping; one owner per initialisation; the owner came into being by fork() or exec,
/// since a raw clone() keeps its parent's thread id in glibc and the mark then never comes.
/// Guarantees: what waits here learns of the end of the *thread* that holds it; its process may have others.
/// Threads: hold() and release() by the owner; the rest by anyone.
class life_mutex {
 public:
  /// How the owner's life ended, as the mutex saw it.
  enum class ending {
    died,      ///< it ended while holding
    released,  ///< it let go, which it does on a clean end only
  };

  /// Initialises the memory it stands in (placement new) for a new owner. Requires: nobody holds or waits for it.
  life_mutex();
  /// Ends with its mapping, held or not: a robust mutex needs no destruction.
  ~life_mutex() = default;
  life_mutex(const life_mutex&) = delete;
  life_mutex& operator=(const life_mutex&) = delete;

  /// The one that another process has initialised at `shared`, a mapping of its own.
  [[nodiscard]] static life_mutex& at(void* shared) noexcept;

  /// Takes it, for life. Blocks: no, as long as there is one owner. Errors: asserts when it is not free.
  void hold();
  /// Lets go on a clean end. Requires: the calling thread holds it.
  void release();

  /// Waits until the owner has died or let go; at once if nobody holds it. Any number may wait, each is told; nobody
  /// takes the mutex over. Requires: a writable mapping. Blocks: until then.
  [[nodiscard]] ending wait_for_death();

  /// The futex word: the owner's thread id, FUTEX_WAITERS, FUTEX_OWNER_DIED. What death_listener::watch() takes.
  [[nodiscard]] const std::uint32_t* word() const noexcept;

 private:
  pthread_mutex_t mutex_;
};

static_assert(std::is_standard_layout_v<life_mutex> && sizeof(life_mutex) == sizeof(pthread_mutex_t),
              "other processes find the pthread_mutex_t in the first bytes");

/// Whether the owner of a life mutex has died, by its word. A task that writes wildly into the page can forge it: the
/// pidfd is never forged. Blocks: no. Threads: any.
[[nodiscard]] bool owner_died(const std::uint32_t* word) noexcept;

}  // namespace workit::preempt
