// deadline: instants, durations, and none.
#include <gtest/gtest.h>

#include <workit/base/deadline.hpp>

#include "noon.hpp"

namespace workit {
namespace {

using namespace std::chrono_literals;

using test::noon;

TEST(Deadline, IsNeverByDefaultAndNeverPasses) {
  constexpr deadline never;
  static_assert(never.is_never());
  EXPECT_FALSE(never.passed(time_point::max() - 1ns));
  EXPECT_FALSE(never.passed(time_point::max()));
  EXPECT_EQ(never.remaining(noon), duration::max());
}

TEST(Deadline, PassesAtItsInstantAndNotBefore) {
  constexpr deadline d = deadline::in(50ms, noon);
  EXPECT_FALSE(d.passed(noon + 50ms - 1ns));
  EXPECT_TRUE(d.passed(noon + 50ms));
  EXPECT_EQ(d.remaining(noon), 50ms);
  EXPECT_EQ(d.remaining(noon + 49ms), 1ms);
}

TEST(Deadline, HasNothingRemainingOncePassed) {
  EXPECT_EQ(deadline(noon).remaining(noon), 0ns);
  EXPECT_EQ(deadline(noon).remaining(noon + 1h), 0ns);
  EXPECT_EQ(deadline(time_point::min()).remaining(noon), 0ns) << "the difference of the two does not fit a duration";
}

TEST(Deadline, SaturatesAtNeverInsteadOfWrappingIntoThePast) {
  EXPECT_TRUE(deadline::in(duration::max(), noon).is_never());
  EXPECT_TRUE(deadline::in(duration::max() - 1ns, noon).is_never());
  EXPECT_TRUE(deadline::in(time_point::max() - noon, noon).is_never());
  EXPECT_FALSE(deadline::in(time_point::max() - noon - 1ns, noon).is_never());
}

TEST(Deadline, TakesADurationOfThePast) {
  EXPECT_TRUE(deadline::in(-1ns, noon).passed(noon));
  EXPECT_TRUE(deadline::in(duration::min(), noon).passed(noon));
}

TEST(Deadline, NestsByTheEarlierOne) {
  EXPECT_EQ(std::min(deadline{}, deadline(noon)), deadline(noon));
  EXPECT_LT(deadline(noon), deadline(noon + 1ns));
  EXPECT_LT(deadline(noon), deadline{});
  EXPECT_EQ(deadline{}, deadline{});
}

}  // namespace
}  // namespace workit
