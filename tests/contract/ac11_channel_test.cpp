// AC-11: a bounded channel holds its senders, closes with a reason, and lets the cancelled go.
#include "acceptance.hpp"

namespace workit::test {
namespace {

class Ac11Channel : public acceptance {};

TEST_P(Ac11Channel, AThirdSendOnTwoWaitsForAReceive) {
  play([](stage& on) {
    on.run([](scope& s) {
      const channel<int> two({.capacity = 2});
      int sent = 0;
      s.spawn([&](context&) {
        for (int i = 1; i <= 3; ++i) {
          two.send(i);
          ++sent;
        }
      });
      s.sleep_for(1h);
      EXPECT_EQ(sent, 2);
      EXPECT_EQ(two.receive(), 1);
      s.sleep_for(1ms);
      EXPECT_EQ(sent, 3);
    });
  });
}

TEST_P(Ac11Channel, ClosedItGivesWhatItHoldsAndThenItsEnd) {
  play([](stage& on) {
    on.run([](scope&) {
      const channel<int> three({.capacity = 3});
      for (int i = 1; i <= 3; ++i) three.send(i);
      three.close();
      std::vector<int> drained;
      for (const int i : three) drained.push_back(i);
      EXPECT_EQ(drained, (std::vector<int>{1, 2, 3}));
      EXPECT_FALSE(three.receive());
    });
  });
}

TEST_P(Ac11Channel, ClosedWithAReasonItTellsAWaitingSenderAndAnIteration) {
  play([](stage& on) {
    on.run([](scope& s) {
      const channel<int> one;
      one.send(1);
      auto sender = s.spawn({.background = true}, [one](context&) { one.send(2); });
      s.sleep_for(1ms);
      EXPECT_EQ(sender.status(), task_status::running) << "the control arm: it waits for as long as nobody closes";
      one.close("shutdown");
      try {
        sender.get();
        ADD_FAILURE() << "it was sent into a closed channel";
      } catch (const channel_closed& e) {
        EXPECT_EQ(describe(e.why().value()), "manual: shutdown");
      }
      EXPECT_THROW(
          {
            for (const int i : one) EXPECT_EQ(i, 1);
          },
          channel_closed);
    });
  });
}

TEST_P(Ac11Channel, ACancelledReceiverLeavesAndTakesNothing) {
  play([](stage& on) {
    on.run([](scope& s) {
      const channel<int> one;
      auto receiver = s.spawn([one](context&) { return one.receive(); });
      s.sleep_for(1h);
      EXPECT_EQ(receiver.status(), task_status::running);
      receiver.cancel("enough");
      EXPECT_EQ(describe(receiver.result().why()), "manual: enough");
      one.send(1);
      EXPECT_EQ(one.receive(), 1);
    });
  });
}

INSTANTIATE_TEST_SUITE_P(On, Ac11Channel, by_the_clock(), name_of);

TEST(Ac11ChannelDeathTest, RefusesCapacitiesThatCannotBe) {
  EXPECT_DEATH(channel<int>({.capacity = 0}), "capacity");
  EXPECT_DEATH(channel<int>({.capacity = static_cast<std::size_t>(-1)}), "capacity");
}

}  // namespace
}  // namespace workit::test
