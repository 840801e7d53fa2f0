// timer_fd: one shot, an instant, a period, off.
#include <workit/base/timer_fd.hpp>

#include <gtest/gtest.h>
#include <poll.h>

#include <type_traits>

namespace {

using namespace std::chrono_literals;
using workit::timer_fd;

static_assert(std::is_nothrow_move_constructible_v<timer_fd> && !std::is_copy_constructible_v<timer_fd>);

const auto now = std::chrono::steady_clock::now;

bool is_readable(const timer_fd& timer, int timeout_ms) {
  pollfd one{timer.get(), POLLIN, 0};
  return ::poll(&one, 1, timeout_ms) == 1;
}
bool fires(timer_fd& timer) { return is_readable(timer, -1) && timer.take_fired(); }

TEST(TimerFd, IsOffWhenMade) {
  auto timer = timer_fd::make();
  EXPECT_TRUE(timer);
  EXPECT_FALSE(is_readable(timer, 0));
  EXPECT_FALSE(timer.take_fired());
}

TEST(TimerFd, FiresOnceAfterAPauseAndNotBefore) {
  auto timer = timer_fd::make();
  const auto began = now();
  timer.fire_after(2ms);
  EXPECT_TRUE(fires(timer));
  EXPECT_GE(now() - began, 2ms);
  EXPECT_FALSE(is_readable(timer, 0)) << "take_fired() has taken it, and it fires once";
}

TEST(TimerFd, APauseOfMoreThanASecondIsNotCutToItsFraction) {
  auto timer = timer_fd::make();
  timer.fire_after(1h + 1ns);
  EXPECT_FALSE(is_readable(timer, 1));
}

TEST(TimerFd, APauseOfZeroOrLessFiresAtOnceInsteadOfTurningItOff) {
  auto timer = timer_fd::make();
  timer.fire_after(0ms);
  EXPECT_TRUE(fires(timer));
  timer.fire_after(-1s);
  EXPECT_TRUE(fires(timer));
}

TEST(TimerFd, AnInstantIsOfTheSteadyClock) {
  auto timer = timer_fd::make();
  const auto at = now() + 2ms;
  timer.fire_at(at);
  EXPECT_TRUE(fires(timer));
  EXPECT_GE(now(), at);
}

TEST(TimerFd, AnInstantThatHasPassedFiresAtOnce) {
  auto timer = timer_fd::make();
  timer.fire_at(now() - 1s);
  EXPECT_TRUE(fires(timer));
  timer.fire_at({});
  EXPECT_TRUE(fires(timer));
}

TEST(TimerFd, APeriodFiresAgainAndAgain) {
  auto timer = timer_fd::make();
  timer.fire_every(1ms);
  EXPECT_TRUE(fires(timer));
  EXPECT_TRUE(fires(timer));
}

TEST(TimerFd, TurnedOffItDoesNotFire) {
  auto timer = timer_fd::make();
  timer.fire_at(now() + 1h);
  timer.fire_every(1h);
  timer.turn_off();
  EXPECT_FALSE(is_readable(timer, 0));
}

TEST(TimerFd, ANewSettingReplacesTheOld) {
  auto timer = timer_fd::make();
  timer.fire_after(1h);
  timer.fire_after(1ns);
  EXPECT_TRUE(fires(timer));
}

TEST(TimerFd, OneThatIsNoneIgnoresEveryCall) {
  timer_fd none;
  none.fire_after(1ms);
  none.fire_at(now());
  none.fire_every(1ms);
  none.turn_off();
  EXPECT_FALSE(none.take_fired());
  EXPECT_FALSE(none);
  EXPECT_LT(none.get(), 0);
}

TEST(TimerFd, ResetClosesTheDescriptor) {
  auto timer = timer_fd::make();
  timer.reset();
  EXPECT_FALSE(timer);
}

}  // namespace
