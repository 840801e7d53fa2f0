// The kernel's timer, which no test lets expire.
#include <gtest/gtest.h>

#include <chrono>
#include <deadline_timer.hpp>

namespace workit::workers {
namespace {

constexpr std::int64_t hour_ns = 3'600'000'000'000;

std::int64_t now_ns() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

TEST(DeadlineTimer, RunsUntilItIsCancelled) {
  deadline_timer timer;
  EXPECT_EQ(timer.left_ns(), 0);
  timer.set(now_ns() + hour_ns);
  EXPECT_GT(timer.left_ns(), 0);
  EXPECT_LE(timer.left_ns(), hour_ns);
  timer.cancel();
  EXPECT_EQ(timer.left_ns(), 0);
}

}  // namespace
}  // namespace workit::workers
