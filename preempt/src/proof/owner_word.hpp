// The futex word of a life mutex, read and waited for without taking the mutex.
#pragma once

#include <cstdint>

namespace workit::preempt {

/// What a word says of its owner.
struct owner_reading {
  enum class state {
    holds,  ///< it lives
    gone,   ///< it has released the mutex, or there was none yet
    died,   ///< it ended while it held the mutex
  };
  state owner;
  std::uint32_t value;  ///< what the kernel is to compare the word with before it waits
};

/// Reads the word; it may be mapped read-only. Threads: any.
[[nodiscard]] owner_reading read_owner(const std::uint32_t* word) noexcept;

/// Sets FUTEX_WAITERS, without which the kernel wakes no waiter at the owner's death. The owner does it as soon as it
/// holds the word, since those that wait may not be able to write. Requires: the calling thread is the owner.
void announce_waiters(std::uint32_t* word) noexcept;

/// Wakes all waiters of the word. The kernel wakes only one when the owner dies, and that one calls this. glibc's chain
/// of robust lockers does not do it: it stops at the second one, since lll_unlock() takes a word with FUTEX_WAITERS for
/// a negative number and then wakes no waiter.
void tell_others(const std::uint32_t* word) noexcept;

}  // namespace workit::preempt
