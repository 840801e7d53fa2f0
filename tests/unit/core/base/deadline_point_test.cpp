// deadline: instants, durations, and none.
#include <gtest/gtest.h>

#include <workit/base/deadline_point.hpp>

#include "noon.hpp"

namespace workit {
namespace {

using namespace std::chrono_literals;

using test::noon;

TEST(Deadline, IsNeverByDefaultAndNeverPasses) {
  constexpr deadline_point never;
  static_assert(never.is_never());
  EXPECT_FALSE(never.passed(time_point::max() - 1ns));
  EXPECT_FALSE(never.passed(time_point::max()));
  EXPECT_EQ(never.remaining(noon), duration::max());
}

TEST(Deadline, PassesAtItsInstantAndNotBefore) {
  constexpr deadline_point d = deadline_point::in(50ms, noon);
  EXPECT_FALSE(d.passed(noon + 50ms - 1ns));
  EXPECT_TRUE(d.passed(noon + 50ms));
  EXPECT_EQ(d.remaining(noon), 50ms);
  EXPECT_EQ(d.remaining(noon + 49ms), 1ms);
}

TEST(Deadline, HasNothingRemainingOncePassed) {
  EXPECT_EQ(deadline_point(noon).remaining(noon), 0ns);
  EXPECT_EQ(deadline_point(noon).remaining(noon + 1h), 0ns);
  EXPECT_EQ(deadline_point(time_point::min()).remaining(noon), 0ns)
      << "the difference of the two does not fit a duration";
}

TEST(Deadline, SaturatesAtNeverInsteadOfWrappingIntoThePast) {
  EXPECT_TRUE(deadline_point::in(duration::max(), noon).is_never());
  EXPECT_TRUE(deadline_point::in(duration::max() - 1ns, noon).is_never());
  EXPECT_TRUE(deadline_point::in(time_point::max() - noon, noon).is_never());
  EXPECT_FALSE(deadline_point::in(time_point::max() - noon - 1ns, noon).is_never());
}

TEST(Deadline, TakesADurationOfThePast) {
  EXPECT_TRUE(deadline_point::in(-1ns, noon).passed(noon));
  EXPECT_TRUE(deadline_point::in(duration::min(), noon).passed(noon));
}

TEST(Deadline, NestsByTheEarlierOne) {
  EXPECT_EQ(std::min(deadline_point{}, deadline_point(noon)), deadline_point(noon));
  EXPECT_LT(deadline_point(noon), deadline_point(noon + 1ns));
  EXPECT_LT(deadline_point(noon), deadline_point{});
  EXPECT_EQ(deadline_point{}, deadline_point{});
}

}  // namespace
}  // namespace workit
