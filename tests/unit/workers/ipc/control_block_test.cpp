// The words that host and worker share, and the sleep on one of them.
#include <gtest/gtest.h>

#include <thread>
#include <workit/workers/detail/control_block.hpp>

namespace workit::workers {
namespace {

TEST(ControlWord, HoldsGenerationAndPhase) {
  const control_word word(12345, phase::committed);
  EXPECT_EQ(word.generation(), 12345U);
  EXPECT_EQ(word.at(), phase::committed);
  EXPECT_EQ(control_word(word.bits()), word);
  EXPECT_NE(control_word(12346, phase::committed), word);
}

TEST(ChannelWord, HasRoomUntilAsManyWereSentAsTheHostAllows) {
  const auto room = 3 * channel_word::one;
  EXPECT_TRUE(channel_word::has_room(room, 2));
  EXPECT_FALSE(channel_word::has_room(room, 3));
  EXPECT_FALSE(channel_word::has_room(room | channel_word::waits | channel_word::asked, 3)) << "the bits do not count";
}

TEST(ControlBlock, ASleeperIsWokenByAChange) {
  std::atomic<std::uint32_t> word{0};
  wait_while(word, 1);  // does not sleep: the word is another
  std::atomic<bool> woken{false};
  std::thread sleeper([&] {
    while (word.load() == 0) wait_while(word, 0);
    woken = true;
  });
  word = 1;
  while (!woken) wake(word);  // again, should it fall asleep only now
  sleeper.join();
}

TEST(ControlBlock, ASleeperSleeps) {
  std::atomic<std::uint32_t> word{0};
  std::atomic<int> looks{0};
  std::thread sleeper([&] {
    for (; word.load() == 0; ++looks) wait_while(word, 0);
  });
  while (looks == 0) wake(word);
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_LT(looks, 1'000) << "it spins";
  word = 1;
  wake(word);
  sleeper.join();
}

}  // namespace
}  // namespace workit::workers
