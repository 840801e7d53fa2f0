// shutdown_tally: the report of a pool's end.
#include "shutdown_tally.hpp"

#include <gtest/gtest.h>

namespace workit::test {
namespace {

using namespace std::chrono_literals;
using workers::shutdown_tally;

TEST(ShutdownTally, CountsWhatHappenedSinceTheIntakeWasClosed) {
  shutdown_tally tally;
  tally.begin({.finished = 100, .killed = 10}, 3, 5);
  tally.end({.finished = 107, .killed = 12}, 1, 20ms);
  const auto& report = tally.report();
  EXPECT_EQ(report.refused, 3U);
  EXPECT_EQ(report.finished, 7U);
  EXPECT_EQ(report.killed, 2U);
  EXPECT_EQ(report.unsettled, 1U);
  EXPECT_EQ(report.reaped, 5U);
  EXPECT_EQ(report.took, 20ms);
}

TEST(ShutdownTally, DoesNotCountAsReapedWhatIsStillThere) {
  shutdown_tally tally;
  tally.begin({}, 0, 5);
  tally.add_unreaped({{.pid = 7, .is_zygote = true, .state = 'D'}, {.pid = 8, .is_zygote = false, .state = 't'}});
  tally.end({}, 0, 1ms);
  EXPECT_EQ(tally.report().reaped, 3U);
  ASSERT_EQ(tally.report().unreaped.size(), 2U);
  EXPECT_EQ(tally.report().unreaped.front().pid, 7);
}

TEST(ShutdownTally, SaysZeroWhenMoreIsLeftThanThereWasAtTheBeginning) {
  shutdown_tally tally;
  tally.begin({}, 0, 1);
  tally.add_unreaped({{}, {}});
  tally.end({}, 0, 1ms);
  EXPECT_EQ(tally.report().reaped, 0U);
}

}  // namespace
}  // namespace workit::test
