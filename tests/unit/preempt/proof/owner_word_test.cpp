// owner_word: what a futex word says of its owner, and what reading it changes.
#include "owner_word.hpp"

#include <gtest/gtest.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace workit::test {
namespace {

using preempt::read_owner;
using state = preempt::owner_reading::state;

TEST(OwnerWord, AFreeWordIsLeftAsItIs) {
  for (const std::uint32_t free : {std::uint32_t{0}, std::uint32_t{FUTEX_WAITERS}}) {
    std::uint32_t word = free;
    EXPECT_EQ(read_owner(&word).owner, state::gone);
    EXPECT_EQ(word, free) << "with FUTEX_WAITERS in it, it could never be taken";
  }
}

TEST(OwnerWord, AHeldWordHasTheKernelWakeItsWaiters) {
  std::uint32_t word = 1234;
  const auto first = read_owner(&word);
  EXPECT_EQ(first.owner, state::holds);
  EXPECT_EQ(word, 1234 | FUTEX_WAITERS);
  EXPECT_EQ(first.value, word) << "the kernel compares the word with it";
  EXPECT_EQ(read_owner(&word).value, word);
  EXPECT_EQ(word, 1234 | FUTEX_WAITERS);
}

TEST(OwnerWord, ADeadOwnerIsNoLivingOneWhateverElseTheWordSays) {
  for (const std::uint32_t with : {0U, 1234U, FUTEX_WAITERS, 1234U | FUTEX_WAITERS}) {
    std::uint32_t word = with | FUTEX_OWNER_DIED;
    EXPECT_EQ(read_owner(&word).owner, state::died);
    EXPECT_EQ(word, with | FUTEX_OWNER_DIED);
  }
}

TEST(OwnerWord, EveryWaiterIsWoken) {
  std::uint32_t word = 1234;
  std::atomic<int> woken{0};
  const auto wait = [&] {
    syscall(SYS_futex, &word, FUTEX_WAIT, 1234, nullptr, nullptr, 0);
    ++woken;
  };
  std::thread first(wait), second(wait);
  while (woken < 2) {  // until both have begun to wait
    preempt::tell_others(&word);
    std::this_thread::yield();
  }
  first.join();
  second.join();
}

}  // namespace
}  // namespace workit::test
