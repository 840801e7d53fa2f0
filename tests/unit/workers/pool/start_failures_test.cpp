// start_failures: how many in a row are tolerated, and the pauses between forks.
#include "start_failures.hpp"

#include <gtest/gtest.h>

namespace workit::test {
namespace {

using namespace std::chrono_literals;
using workers::restart_pause;
using workers::start_failures;

TEST(StartFailures, AreManyFromTheFifthInARowOn) {
  start_failures failures;
  for (int n = 0; n < 4; ++n) failures.failed();
  EXPECT_FALSE(failures.are_many());
  failures.failed();
  EXPECT_TRUE(failures.are_many());
}

TEST(StartFailures, AreForgottenWithASuccess) {
  start_failures failures;
  for (int n = 0; n < 5; ++n) failures.failed();
  failures.worked();
  EXPECT_FALSE(failures.are_many());
  EXPECT_EQ(failures.pause(), 10ms);
}

TEST(StartFailures, DoubleThePauseBeforeTheNextFork) {
  start_failures failures;
  EXPECT_EQ(failures.pause(), 10ms);
  failures.failed();
  EXPECT_EQ(failures.pause(), 20ms);
  failures.failed();
  EXPECT_EQ(failures.pause(), 40ms);
}

TEST(RestartPause, IsASecondAtMostHoweverOftenItFailed) {
  EXPECT_EQ(restart_pause(6), 640ms);
  EXPECT_EQ(restart_pause(7), 1s);
  EXPECT_EQ(restart_pause(4'000'000'000), 1s);
}

}  // namespace
}  // namespace workit::test
