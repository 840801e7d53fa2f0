// deadline_timer: the heap of armed cells and what its timer descriptor is set to.
#include "deadline_timer.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/timerfd.h>

#include <array>
#include <optional>
#include <support/descriptor_balance.hpp>

namespace workit::test {
namespace {

using namespace std::chrono_literals;
using preempt::deadline_timer;

cancel_cell::ptr cell() { return cancel_cell::make(nullptr, nullptr); }
duration in_nanoseconds(const timespec& t) {
  return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

class DeadlineTimer : public descriptor_balance {
 protected:
  struct setting {
    duration left;
    duration period;
  };
  static setting setting_of(const deadline_timer& timer) {
    itimerspec spec{};
    timerfd_gettime(timer.descriptor(), &spec);
    return {in_nanoseconds(spec.it_value), in_nanoseconds(spec.it_interval)};
  }
  static bool is_readable(const deadline_timer& timer, int timeout) {
    pollfd in{timer.descriptor(), POLLIN, 0};
    return poll(&in, 1, timeout) == 1;
  }

  manual_clock clock;
};

TEST_F(DeadlineTimer, TakesOutWhatIsDueEarliestFirstAndSaysHowLate) {
  deadline_timer timer(clock);
  const auto start = clock.now();
  const std::array cells{cell(), cell(), cell()};
  timer.arm(*cells[1], start + 20ms);
  timer.arm(*cells[2], start + 30ms);
  timer.arm(*cells[0], start + 10ms);
  EXPECT_EQ(timer.size(), 3u);
  clock.advance_to(start + 25ms);
  const auto due = timer.take_due();
  ASSERT_EQ(due.size(), 2u);
  EXPECT_EQ(due[0].cell, cells[0]);
  EXPECT_EQ(due[0].at, deadline_point(start + 10ms));
  EXPECT_EQ(due[0].lateness, 15ms);
  EXPECT_EQ(due[1].cell, cells[1]);
  EXPECT_EQ(due[1].lateness, 5ms);
  EXPECT_EQ(timer.size(), 1u);
  EXPECT_FALSE(cells[0]->armed());
  EXPECT_FALSE(cells[0]->stopping()) << "taking a cell out does not cancel it";
  timer.disarm(*cells[2]);
}

TEST_F(DeadlineTimer, ACellIsDueAtItsInstantAndNotBefore) {
  deadline_timer timer(clock);
  const auto c = cell();
  const auto at = clock.now() + 10ms;
  timer.arm(*c, at);
  clock.advance_to(at - 1ns);
  EXPECT_TRUE(timer.take_due().empty());
  clock.advance_to(at);
  EXPECT_EQ(timer.take_due().size(), 1u);
}

TEST_F(DeadlineTimer, ADisarmedCellIsNotTakenOut) {
  deadline_timer timer(clock);
  const auto c = cell();
  timer.arm(*c, clock.now());
  timer.disarm(*c);
  timer.disarm(*c);  // one that is not armed is fine
  EXPECT_TRUE(timer.take_due().empty());
}

TEST_F(DeadlineTimer, IsSetToTheEarliestInstantWhateverTheOrderOfArming) {
  deadline_timer timer(steady_clock_source::instance());
  const auto first = cell(), second = cell();
  const auto now = std::chrono::steady_clock::now();
  EXPECT_EQ(setting_of(timer).left, 0ns) << "the control: with no cell it is off";
  timer.arm(*first, now + 2h);
  EXPECT_GT(setting_of(timer).left, 1h);
  timer.arm(*second, now + 1h);
  EXPECT_LE(setting_of(timer).left, 1h);
  timer.arm(*second, now);
  EXPECT_TRUE(is_readable(timer, -1));
  ASSERT_EQ(timer.take_due().size(), 1u);
  EXPECT_FALSE(is_readable(timer, 0)) << "it was set to the cell that is left";
  EXPECT_GT(setting_of(timer).left, 1h);
  timer.disarm(*first);
  EXPECT_TRUE(timer.take_due().empty());
  EXPECT_EQ(setting_of(timer).left, 0ns) << "with no cell left it is off";
}

TEST_F(DeadlineTimer, UnderAManualClockItTicksEveryMillisecondUntilNoCellIsLeft) {
  deadline_timer timer(clock);
  const auto c = cell();
  timer.arm(*c, clock.now() + 1h);
  EXPECT_EQ(setting_of(timer).period, 1ms);
  EXPECT_TRUE(timer.take_due().empty());
  EXPECT_EQ(setting_of(timer).period, 1ms);
  timer.disarm(*c);
  EXPECT_TRUE(timer.take_due().empty());
  EXPECT_EQ(setting_of(timer).period, 0ns);
}

TEST_F(DeadlineTimer, ForgetsTheCellsThatAreArmedWhenItEnds) {
  const auto c = cell();
  std::optional<deadline_timer> timer(std::in_place, clock);
  timer->arm(*c, clock.now());
  EXPECT_TRUE(c->armed());
  timer.reset();
  EXPECT_FALSE(c->armed());
}

}  // namespace
}  // namespace workit::test
