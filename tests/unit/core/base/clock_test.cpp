// The clocks: the machine's monotonic one and the manual one.
#include <gtest/gtest.h>

#include <thread>
#include <vector>
#include <workit/base/clock.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;

TEST(SteadyClockSource, IsTheMachinesMonotonicClock) {
  auto& clock = steady_clock_source::instance();
  const auto before = std::chrono::steady_clock::now();
  const auto seen = clock.now();
  EXPECT_LE(before, seen);
  EXPECT_LE(seen, std::chrono::steady_clock::now());
  EXPECT_FALSE(clock.is_manual());
}

TEST(SteadyClockSource, IgnoresBeingAdvanced) {
  auto& clock = steady_clock_source::instance();
  clock.advance_to(clock.now() + 24h);
  EXPECT_LT(clock.now(), std::chrono::steady_clock::now() + 1h);
}

TEST(ManualClock, StandsStillUntilItIsAdvanced) {
  manual_clock clock;
  const auto start = clock.now();
  EXPECT_TRUE(clock.is_manual());
  EXPECT_GT(start.time_since_epoch(), 0ns) << "an hour is left for instants before the start";
  EXPECT_EQ(clock.now(), start);
  clock.advance_to(start + 10h);
  EXPECT_EQ(clock.now(), start + 10h);
}

TEST(ManualClock, NeverGoesBack) {
  manual_clock clock;
  const auto start = clock.now();
  clock.advance_to(start + 2s);
  clock.advance_to(start + 1s);
  EXPECT_EQ(clock.now(), start + 2s);
}

TEST(ManualClock, EndsAtTheLatestInstantOfThreadsThatAdvanceItTogether) {
  manual_clock clock;
  const auto start = clock.now();
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 1000; ++i) clock.advance_to(start + std::chrono::seconds(i * 4 + t));
    });
  threads.clear();
  EXPECT_EQ(clock.now(), start + 3999s);
}

}  // namespace
}  // namespace workit
