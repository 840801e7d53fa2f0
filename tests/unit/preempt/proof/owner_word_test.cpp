// owner_word: what a futex word says of its owner.
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

TEST(OwnerWord, AFreeWordHasNoOwner) {
  for (const std::uint32_t word : {std::uint32_t{0}, std::uint32_t{FUTEX_WAITERS}})
    EXPECT_EQ(read_owner(&word).owner, state::gone);
}

TEST(OwnerWord, AnOwnerThatAnnouncesWaitersStillHoldsIt) {
  std::uint32_t word = 1234;
  EXPECT_EQ(read_owner(&word).owner, state::holds);
  preempt::announce_waiters(&word);
  EXPECT_EQ(word, 1234 | FUTEX_WAITERS) << "without it the kernel wakes no waiter";
  EXPECT_EQ(read_owner(&word).owner, state::holds);
  EXPECT_EQ(read_owner(&word).value, word) << "the kernel compares the word with it";
}

TEST(OwnerWord, ADeadOwnerIsNoLivingOneWhateverElseTheWordSays) {
  for (const std::uint32_t with : {0U, 1234U, FUTEX_WAITERS, 1234U | FUTEX_WAITERS}) {
    const std::uint32_t word = with | FUTEX_OWNER_DIED;
    EXPECT_EQ(read_owner(&word).owner, state::died);
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
