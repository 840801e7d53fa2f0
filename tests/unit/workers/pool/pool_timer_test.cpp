// pool_timer: what it was set for first stays.
#include "pool_timer.hpp"

#include <gtest/gtest.h>
#include <poll.h>

namespace workit::test {
namespace {

using namespace std::chrono_literals;
using workers::pool_timer;

bool has_fired(pool_timer& timer, int timeout_ms) {
  pollfd one{timer.timer().get(), POLLIN, 0};
  return ::poll(&one, 1, timeout_ms) == 1;
}

class PoolTimer : public testing::Test {
 protected:
  PoolTimer() { timer_.timer() = timer_fd::make(); }
  pool_timer timer_;
};

TEST_F(PoolTimer, IsSetUntilItHasExpired) {
  EXPECT_FALSE(timer_.is_set());
  timer_.set_after(1ns);
  EXPECT_TRUE(timer_.is_set());
  EXPECT_TRUE(has_fired(timer_, -1));
  EXPECT_TRUE(timer_.take_fired());
  EXPECT_TRUE(timer_.is_set());
  timer_.expired();
  EXPECT_FALSE(timer_.is_set());
}

TEST_F(PoolTimer, IgnoresASecondSettingWhileItIsSet) {
  timer_.set_after(1h);
  timer_.set_after(1ns);
  timer_.set_at({});
  timer_.set_every(1ns);
  EXPECT_FALSE(has_fired(timer_, 2));
}

TEST_F(PoolTimer, FiresAtTheEarliestOfTheLatestInstants) {
  const auto now = std::chrono::steady_clock::now();
  timer_.set_at_latest(now + 1h);
  timer_.set_at_latest(now);
  timer_.set_at_latest(now + 2h);
  EXPECT_TRUE(has_fired(timer_, -1));
  EXPECT_TRUE(timer_.take_fired());
  timer_.expired();
  timer_.set_at_latest(now + 1h);
  EXPECT_FALSE(has_fired(timer_, 2)) << "an instant of before has stayed";
}

TEST_F(PoolTimer, CanBeSetAnewOnceItHasExpired) {
  timer_.set_after(1h);
  timer_.expired();
  timer_.set_at(std::chrono::steady_clock::now());
  EXPECT_TRUE(has_fired(timer_, -1));
  EXPECT_TRUE(timer_.take_fired());
  timer_.expired();
  timer_.set_every(1ms);
  for (int n = 0; n < 2; ++n) EXPECT_TRUE(has_fired(timer_, -1) && timer_.take_fired());
}

}  // namespace
}  // namespace workit::test
