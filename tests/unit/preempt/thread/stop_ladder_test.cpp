// stop_ladder: kicks with growing pauses until the task stops or the stop is refused.
#include <atomic>
#include <memory>
#include <workit/preempt/stop_ladder.hpp>
#include <workit/preempt/warden.hpp>

#include "../warden/warden_fixture.hpp"

namespace workit::test {
namespace {

using namespace std::chrono_literals;

/// An attempt to stop a thread that never stops.
class stubborn final : public preempt::thread_stop_attempt {
 public:
  bool kick() noexcept override {
    ++kicks;
    kicks.notify_all();
    return true;
  }
  bool give_up() noexcept override { return false; }

  void wait_for(int more) const {
    for (int now = kicks, until = now + more; now < until; now = kicks) kicks.wait(now);
  }

  std::atomic<int> kicks{0};
};

class StopLadder : public warden_fixture {};

TEST_F(StopLadder, KicksBeforeBeginReturnsAndThenAgain) {
  preempt::stop_ladder ladder(*warden_);
  const auto attempt = std::make_shared<stubborn>();
  ladder.begin(attempt, 1h);
  EXPECT_GE(attempt->kicks, 1);
  attempt->wait_for(5);
  ladder.end(*attempt);
}

TEST_F(StopLadder, KicksNoMoreWhatHasEnded) {
  preempt::stop_ladder ladder(*warden_);
  const auto control = std::make_shared<stubborn>(), ended = std::make_shared<stubborn>();
  ladder.begin(control, 1h);
  ladder.begin(ended, 1h);
  ladder.end(*ended);
  control->wait_for(2);  // a turn that was under way is over
  const int before = ended->kicks;
  control->wait_for(20);
  EXPECT_EQ(ended->kicks, before);
  EXPECT_EQ(ended.use_count(), 1) << "the ladder keeps what has ended";
  ladder.end(*control);
}

/// A task that ends during its second kick, the warden's.
class ending_attempt final : public preempt::thread_stop_attempt {
 public:
  explicit ending_attempt(preempt::stop_ladder& ladder) : ladder_(ladder) {}
  bool kick() noexcept override {
    if (++kicks == 2) ladder_.end(*this);
    return true;
  }
  bool give_up() noexcept override { return false; }

  std::atomic<int> kicks{0};

 private:
  preempt::stop_ladder& ladder_;
};

TEST_F(StopLadder, KicksNoMoreWhatEndsWhileItIsKicked) {
  preempt::stop_ladder ladder(*warden_);
  const auto control = std::make_shared<stubborn>();
  const auto ends = std::make_shared<ending_attempt>(ladder);
  ladder.begin(ends, 1h);
  ladder.begin(control, 1h);
  control->wait_for(20);
  EXPECT_EQ(ends->kicks, 2);
  ladder.end(*control);
}

TEST_F(StopLadder, TakesTheEndOfWhatItDoesNotKnow) {
  preempt::stop_ladder ladder(*warden_);
  const auto control = std::make_shared<stubborn>();
  ladder.begin(control, 1h);
  ladder.end(stubborn());
  control->wait_for(3);
  ladder.end(*control);
  ladder.end(*control);
}

}  // namespace
}  // namespace workit::test
