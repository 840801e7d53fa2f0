// owner_word: the bits are those of linux/futex.h; the kernel and glibc use the same word.
#include "owner_word.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <limits>

namespace workit::preempt {

owner_reading read_owner(const std::uint32_t* shared) noexcept {
  using state = owner_reading::state;
  auto* word = const_cast<std::uint32_t*>(shared);
  std::uint32_t seen = __atomic_load_n(word, __ATOMIC_ACQUIRE);
  for (;;) {
    if ((seen & FUTEX_OWNER_DIED) != 0) return {state::died, seen};
    if ((seen & FUTEX_TID_MASK) == 0) return {state::gone, seen};
    if ((seen & FUTEX_WAITERS) != 0) return {state::holds, seen};
    const std::uint32_t wanted = seen | FUTEX_WAITERS;
    if (__atomic_compare_exchange_n(word, &seen, wanted, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
      return {state::holds, wanted};
  }
}

void tell_others(const std::uint32_t* word) noexcept {
  ::syscall(SYS_futex, word, FUTEX_WAKE, std::numeric_limits<int>::max(), nullptr, nullptr, 0);
}

}  // namespace workit::preempt
