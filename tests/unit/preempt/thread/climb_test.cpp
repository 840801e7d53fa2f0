// climb: the rungs of a stop ladder, with the instants given by the test.
#include "climb.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace workit::test {
namespace {

using namespace std::chrono_literals;

/// An attempt that notes what it is asked, and answers as the test says.
class scripted final : public preempt::thread_stop_attempt {
 public:
  bool kick() noexcept override {
    ++kicks;
    return needs_more;
  }
  bool give_up() noexcept override {
    ++asked_to_give_up;
    kicks_before_giving_up = kicks;
    return may_give_up;
  }
  bool needs_more = true;
  bool may_give_up = true;
  int kicks = 0;
  int asked_to_give_up = 0;
  int kicks_before_giving_up = -1;
};

class Climb : public testing::Test {
 protected:
  /// Takes each rung at its instant until `until`; returns the pauses.
  std::vector<duration> pauses_until(time_point until) {
    std::vector<duration> pauses;
    auto now = climb.next;
    while (now < until && climb.step(now)) {
      pauses.push_back(climb.next - now);
      now = climb.next;
    }
    return pauses;
  }
  const time_point start{1h};
  const std::shared_ptr<scripted> attempt = std::make_shared<scripted>();
  preempt::climb climb{attempt, start + 10ms, start + preempt::climb::first_pause};
};

TEST_F(Climb, PausesDoubleUpToTwoMilliseconds) {
  EXPECT_EQ(pauses_until(start + 7ms), (std::vector<duration>{200us, 400us, 800us, 1600us, 2ms, 2ms}));
  EXPECT_EQ(attempt->asked_to_give_up, 0);
}

TEST_F(Climb, GivesUpWhenTheGraceIsOverAndKicksOnEveryTenMilliseconds) {
  pauses_until(start + 10ms);
  EXPECT_EQ(climb.next, start + 10ms) << "the rung before was cut short";
  const int before = attempt->kicks;
  ASSERT_TRUE(climb.step(climb.next));
  EXPECT_EQ(attempt->asked_to_give_up, 1);
  EXPECT_EQ(attempt->kicks_before_giving_up, before) << "it was kicked before the last kick was judged";
  EXPECT_EQ(climb.next, start + 20ms);
  ASSERT_TRUE(climb.step(climb.next));
  EXPECT_EQ(climb.next, start + 30ms);
  EXPECT_EQ(attempt->asked_to_give_up, 1) << "it was given up already";
}

TEST_F(Climb, AsksAgainAfterTheNextKickWhenItCannotBeGivenUpYet) {
  attempt->may_give_up = false;
  pauses_until(start + 10ms);
  ASSERT_TRUE(climb.step(start + 10ms));
  EXPECT_EQ(climb.next, start + 12ms);
  ASSERT_TRUE(climb.step(climb.next));
  EXPECT_EQ(attempt->asked_to_give_up, 2);
}

TEST_F(Climb, EndsWithTheFirstKickThatNeedsNoOther) {
  attempt->needs_more = false;
  EXPECT_FALSE(climb.step(climb.next));
  EXPECT_EQ(attempt->kicks, 1);
}

}  // namespace
}  // namespace workit::test
