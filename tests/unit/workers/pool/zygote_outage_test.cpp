// zygote_outage: the pauses between attempts, and when waiting tasks are answered.
#include "zygote_outage.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace workit::test {
namespace {

using namespace std::chrono_literals;
using workers::zygote_outage;

constexpr time_point first_failure = time_point(1h);

TEST(ZygoteOutage, TriesAtOnceThenAfterPausesThatDoubleUpToASecond) {
  zygote_outage outage;
  std::vector<duration> pauses;
  for (int n = 0; n < 10; ++n) pauses.push_back(outage.failed(first_failure).pause);
  EXPECT_EQ(pauses, (std::vector<duration>{0ms, 10ms, 20ms, 40ms, 80ms, 160ms, 320ms, 640ms, 1s, 1s}));
}

TEST(ZygoteOutage, TriesAtOnceAgainAfterATaskHasEnded) {
  zygote_outage outage;
  for (int n = 0; n < 5; ++n) static_cast<void>(outage.failed(first_failure));
  outage.task_ended();
  EXPECT_EQ(outage.failed(first_failure).pause, 0ms);
}

TEST(ZygoteOutage, IsTooLongWhenTheNextAttemptIsMoreThanASecondAfterTheFirstFailure) {
  zygote_outage outage;
  EXPECT_FALSE(outage.failed(first_failure).too_long);
  EXPECT_FALSE(outage.failed(first_failure + 990ms).too_long) << "the next attempt is after exactly a second";
  EXPECT_TRUE(outage.failed(first_failure + 990ms).too_long);
}

TEST(ZygoteOutage, BeginsAnewOnceAWorkerIsThere) {
  zygote_outage outage;
  static_cast<void>(outage.failed(first_failure));
  outage.over();
  EXPECT_FALSE(outage.failed(first_failure + 1h).too_long);
}

}  // namespace
}  // namespace workit::test
