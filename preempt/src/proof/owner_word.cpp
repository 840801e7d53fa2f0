// owner_word: the bits are those of linux/futex.h; the kernel and glibc use the same word.
#include "owner_word.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <limits>

namespace workit::preempt {

owner_reading read_owner(const std::uint32_t* word) noexcept {
  using state = owner_reading::state;
  const std::uint32_t seen = __atomic_load_n(word, __ATOMIC_ACQUIRE);
  if ((seen & FUTEX_OWNER_DIED) != 0) return {state::died, seen};
  return {(seen & FUTEX_TID_MASK) == 0 ? state::gone : state::holds, seen};
}

void announce_waiters(std::uint32_t* word) noexcept { __atomic_fetch_or(word, FUTEX_WAITERS, __ATOMIC_ACQ_REL); }

void tell_others(const std::uint32_t* word) noexcept {
  ::syscall(SYS_futex, word, FUTEX_WAKE, std::numeric_limits<int>::max(), nullptr, nullptr, 0);
}

}  // namespace workit::preempt
