// The futex word of a life mutex, read and waited for without taking the mutex.
#pragma once

#include <cstdint>

namespace workit::preempt {

/// What a word says of its owner.
struct owner_reading {
  enum class state {
    holds,  ///< it lives, and the kernel will wake a waiter when it dies
    gone,   ///< it has let go, or nobody has held it yet
    died,
  };
  state owner;
  std::uint32_t value;  ///< what the kernel is to compare the word with before it waits
};

/// Reads the word; while there is an owner, also sets FUTEX_WAITERS, without which the kernel would wake nobody. A free
/// word is left alone: with that bit in it, it could never be taken. Requires: writable memory. Threads: any.
[[nodiscard]] owner_reading read_owner(const std::uint32_t* word) noexcept;

/// Wakes all who wait for the word. The kernel wakes one of them when the owner dies, and that one tells the others:
/// glibc's own chain of robust lockers breaks off at the second (its lll_unlock() takes a word with FUTEX_WAITERS for
/// a negative number, and wakes nobody).
void tell_others(const std::uint32_t* word) noexcept;

}  // namespace workit::preempt
