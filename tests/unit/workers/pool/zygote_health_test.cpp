// pulse(): when a zygote is asked whether it is there, and when it is given up.
#include "zygote_health.hpp"

#include <gtest/gtest.h>

#include "pool_parts.hpp"

namespace workit::test {
namespace {

TEST(ZygoteHealth, AsksWhileThereAreTasksOnly) {
  zygote_group zygote;
  EXPECT_EQ(pulse(zygote, false), health_step::none);
  EXPECT_FALSE(zygote.asked);
  EXPECT_EQ(pulse(zygote, true), health_step::ask);
  EXPECT_TRUE(zygote.asked);
}

TEST(ZygoteHealth, GivesUpAtTheFourthPulseAfterTheQuestion) {
  zygote_group zygote;
  ASSERT_EQ(pulse(zygote, true), health_step::ask);
  for (unsigned n = 1; n < health_pulses; ++n) EXPECT_EQ(pulse(zygote, true), health_step::none) << n;
  EXPECT_EQ(pulse(zygote, true), health_step::hangs);
}

TEST(ZygoteHealth, GivesUpOneThatWasAskedAlthoughTheTasksHaveEndedSince) {
  zygote_group zygote;
  ASSERT_EQ(pulse(zygote, true), health_step::ask);
  for (unsigned n = 1; n < health_pulses; ++n) ASSERT_EQ(pulse(zygote, false), health_step::none) << n;
  EXPECT_EQ(pulse(zygote, false), health_step::hangs);
}

TEST(ZygoteHealth, CountsAnewAfterAnAnswer) {
  zygote_group zygote;
  ASSERT_EQ(pulse(zygote, true), health_step::ask);
  for (unsigned n = 1; n < health_pulses; ++n) ASSERT_EQ(pulse(zygote, true), health_step::none);
  zygote.asked = false;  // it has said something
  EXPECT_EQ(pulse(zygote, true), health_step::ask);
  EXPECT_EQ(pulse(zygote, true), health_step::none);
}

}  // namespace
}  // namespace workit::test
