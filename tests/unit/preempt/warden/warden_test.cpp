// warden: deadlines, posted work, watched descriptors and priority.
#include <gtest/gtest.h>
#include <malloc.h>
#include <sched.h>
#include <sys/eventfd.h>

#include <array>
#include <atomic>
#include <future>
#include <latch>
#include <support/descriptor_balance.hpp>
#include <thread>
#include <vector>
#include <workit/preempt/warden.hpp>

#include "test_lease.hpp"

namespace workit::test {
namespace {

using namespace std::chrono_literals;
using preempt::warden;

static_assert(!std::is_copy_constructible_v<warden> && !std::is_move_constructible_v<warden>);
static_assert(std::is_base_of_v<alarm, warden>);

// Notes which cell was cancelled, where, and in what order.
class noting_listener final : public cancel_listener {
 public:
  struct note {
    const cancel_cell* cell;
    std::thread::id on;
    tell_alarm then;
  };
  explicit noting_listener(std::ptrdiff_t expected) : left_(expected) {}
  void cancelled(const std::shared_ptr<cancel_cell>& cell, tell_alarm then) noexcept override {
    notes.push_back({cell.get(), std::this_thread::get_id(), then});
    left_.count_down();
  }
  void wait() const { left_.wait(); }
  std::vector<note> notes;

 private:
  std::latch left_;
};

class Warden : public descriptor_balance {};

TEST_F(Warden, FiresDeadlinesEarliestFirstWhateverTheOrderOfArming) {
  manual_clock clock;
  warden w(clock);
  const auto listener = std::make_shared<noting_listener>(3);
  std::array<cancel_cell::ptr, 3> cells;
  for (auto& cell : cells) cell = cancel_cell::make(nullptr, listener);
  const auto start = clock.now();
  w.arm(cells[2], start + 30ms);
  w.arm(cells[0], start + 10ms);
  w.arm(cells[1], start + 20ms);
  EXPECT_EQ(w.load().deadlines, 3u);
  clock.advance_to(start + 1s);
  listener->wait();
  for (std::size_t i = 0; i < cells.size(); ++i) EXPECT_EQ(listener->notes[i].cell, cells[i].get());
}

TEST_F(Warden, ADisarmedDeadlineDoesNotFire) {
  manual_clock clock;
  warden w(clock);
  const auto listener = std::make_shared<noting_listener>(1);
  const auto kept = cancel_cell::make(nullptr, listener);
  const auto disarmed = cancel_cell::make(nullptr, listener);
  w.arm(disarmed, clock.now() + 10ms);
  w.arm(kept, clock.now() + 20ms);
  w.disarm(*disarmed);
  w.disarm(*disarmed);  // one that is not armed is fine
  clock.advance_to(clock.now() + 1s);
  listener->wait();
  EXPECT_EQ(listener->notes.front().cell, kept.get());
  EXPECT_FALSE(disarmed->stopping());
}

TEST_F(Warden, ArmingAnArmedCellMovesItsDeadline) {
  manual_clock clock;
  warden w(clock);
  const auto listener = std::make_shared<noting_listener>(1);
  const auto later = cancel_cell::make(nullptr, listener);
  const auto earlier = cancel_cell::make(nullptr, listener);
  w.arm(later, clock.now() + 10ms);
  w.arm(earlier, clock.now() + 2h);
  w.arm(later, clock.now() + 2h);
  w.arm(earlier, clock.now() + 20ms);
  clock.advance_to(clock.now() + 1s);
  listener->wait();
  EXPECT_EQ(listener->notes.front().cell, earlier.get());
  EXPECT_FALSE(later->stopping());
  w.disarm(*later);
}

TEST_F(Warden, ADeadlineFiresOnItsOwnThreadWhileAllOthersAreBusy) {
  warden w;
  const auto cell = cancel_cell::make(nullptr, std::make_shared<noting_listener>(1));
  const auto at = steady_clock_source::instance().now() + 5ms;
  w.arm(cell, at);
  while (!cell->stopping()) {  // never yields
  }
  ASSERT_TRUE(std::holds_alternative<reason::deadline>(cell->record()->why));
  const auto& why = std::get<reason::deadline>(cell->record()->why);
  EXPECT_EQ(why.at, deadline_point{at});
  EXPECT_GE(why.lateness, 0ns);
  EXPECT_GE(cell->record()->at, at);
}

int policy_of_this_thread() { return sched_getscheduler(0) & ~SCHED_RESET_ON_FORK; }

bool may_be_real_time() {
  bool may = false;
  std::thread([&] {
    const sched_param lowest{.sched_priority = 1};
    may = sched_setscheduler(0, SCHED_RR, &lowest) == 0;
  }).join();
  return may;
}

TEST_F(Warden, GoesBeforeComputingThreadsWhereItMayAndItsChildrenDoNot) {
  warden w;
  struct seen {
    int at_first, in_line, then, of_a_child;
  };
  std::promise<seen> policies;
  w.post([&] {
    seen s{policy_of_this_thread(), 0, 0, -1};
    {
      const preempt::normal_priority_scope copying;
      s.in_line = policy_of_this_thread();
    }
    s.then = policy_of_this_thread();
    std::thread([&] { s.of_a_child = policy_of_this_thread(); }).join();
    policies.set_value(s);
  });
  const auto [at_first, in_line, then, of_a_child] = policies.get_future().get();
  EXPECT_EQ(at_first, may_be_real_time() ? SCHED_RR : SCHED_OTHER);
  EXPECT_EQ(in_line, SCHED_OTHER);
  EXPECT_EQ(then, at_first);
  EXPECT_EQ(of_a_child, SCHED_OTHER);
  EXPECT_EQ(policy_of_this_thread(), SCHED_OTHER) << "the control: the thread that makes a warden keeps its policy";
}

TEST_F(Warden, ADeadlineInThePastFiresAtOnce) {
  warden w;
  const auto listener = std::make_shared<noting_listener>(2);
  const auto never = cancel_cell::make(nullptr, nullptr);
  w.arm(never, time_point::max());
  const auto epoch = cancel_cell::make(nullptr, listener);
  const auto past = cancel_cell::make(nullptr, listener);
  w.arm(epoch, time_point{});
  w.arm(past, steady_clock_source::instance().now() - 1h);
  listener->wait();
  EXPECT_FALSE(never->stopping());
  w.disarm(*never);
}

TEST_F(Warden, ADeadlineStopsTheTasksBelowACellWithoutAListener) {
  warden w;
  const auto scope = cancel_cell::make(nullptr, nullptr);
  const auto task = std::make_shared<test_lease>(cancel_cell::make(scope, nullptr),
                                                 preempt::stop_claim{.what = preempt::stop_claim::answer::withdrawn});
  w.enlist(task);
  w.arm(scope, steady_clock_source::instance().now() + 1ms);
  task->wait();
  EXPECT_NE(task->notified_on, std::this_thread::get_id());
  EXPECT_TRUE(std::holds_alternative<reason::deadline>(task->receipt->why));
}

TEST_F(Warden, AListenerOfAPassedDeadlineDoesNotTellTheWardenAgain) {
  warden w;
  const auto of_deadline = std::make_shared<noting_listener>(1), of_request = std::make_shared<noting_listener>(1);
  const auto passed = cancel_cell::make(nullptr, of_deadline);
  w.arm(passed, steady_clock_source::instance().now());
  of_deadline->wait();
  EXPECT_EQ(of_deadline->notes.front().then, tell_alarm::no);
  cancel_cell::make(nullptr, of_request)->request(reason::user{});
  EXPECT_EQ(of_request->notes.front().then, tell_alarm::yes)
      << "the control: another canceller leaves it to the listener";
}

TEST_F(Warden, ForgetsCellsThatAreArmedWhenItEnds) {
  const auto cell = cancel_cell::make(nullptr, nullptr);
  {
    warden w;
    w.arm(cell, steady_clock_source::instance().now() + 1h);
    EXPECT_TRUE(cell->armed());
  }
  EXPECT_FALSE(cell->armed());
  EXPECT_FALSE(cell->stopping());
}

TEST_F(Warden, DoesNotGrowWhileDeadlinesComeAndGo) {
  warden w;
  std::vector<cancel_cell::ptr> cells(64);
  for (auto& cell : cells) cell = cancel_cell::make(nullptr, nullptr);
  const auto churn = [&](int times) {
    const auto later = steady_clock_source::instance().now() + 1h;
    for (int i = 0; i < times; ++i) {
      auto& cell = cells[static_cast<std::size_t>(i) % cells.size()];
      w.arm(cell, later - std::chrono::microseconds(i % 1000));
      if (i % 3 != 0) w.disarm(*cell);
    }
    for (auto& cell : cells) w.disarm(*cell);
  };
  churn(1'000);
  const auto before = mallinfo2().uordblks;  // nothing but zeros under a sanitizer
  churn(100'000);
  EXPECT_LE(mallinfo2().uordblks, before + 4096);
  EXPECT_EQ(w.load().deadlines, 0u);
}

TEST_F(Warden, RunsPostedWorkInOrderOnItsThread) {
  std::vector<int> ran;
  std::thread::id first, second;
  {
    warden w;
    w.post([&] {
      ran.push_back(1);
      first = std::this_thread::get_id();
    });
    w.post([&] {
      ran.push_back(2);
      second = std::this_thread::get_id();
    });
  }  // what was posted before the end is run
  EXPECT_EQ(ran, (std::vector{1, 2}));
  EXPECT_EQ(first, second);
  EXPECT_NE(first, std::this_thread::get_id());
}

TEST_F(Warden, CallsForADescriptorAsLongAsItIsReadable) {
  warden w;
  const int ready_event = eventfd(0, EFD_NONBLOCK);
  std::latch three(3);
  int left = 3;
  w.watch(ready_event, [&] {
    if (--left == 0) {
      eventfd_t count;
      eventfd_read(ready_event, &count);
    }
    three.count_down();
  });
  eventfd_write(ready_event, 1);
  three.wait();
  w.unwatch(ready_event);
  w.unwatch(ready_event);  // one that is not watched is fine
  EXPECT_EQ(left, 0);
  close(ready_event);
}

TEST_F(Warden, ACallbackMayUnwatchItselfAndOthers) {
  warden w;
  std::array<int, 2> events{eventfd(1, EFD_NONBLOCK), eventfd(1, EFD_NONBLOCK)};  // both readable from the start
  std::atomic<int> calls{0};
  std::promise<void> called;
  const auto unwatch_both = [&] {
    for (const int ready_event : events) w.unwatch(ready_event);
    if (calls++ == 0) called.set_value();
  };
  w.post([&] {  // on its thread, so that both are in the same batch of events
    for (const int ready_event : events) w.watch(ready_event, unwatch_both);
  });
  called.get_future().wait();
  std::promise<void> later;
  w.post([&] { later.set_value(); });
  later.get_future().wait();
  EXPECT_EQ(calls, 1);
  for (const int ready_event : events) close(ready_event);
}

TEST_F(Warden, UnwatchReturnsOnlyAfterARunningCallback) {
  warden w;
  const int ready_event = eventfd(1, EFD_NONBLOCK);
  std::latch entered(1);
  bool finished = false, first = true;  // not atomic: the order is the point
  w.watch(ready_event, [&] {
    if (std::exchange(first, false)) entered.count_down();
    finished = false;
    std::this_thread::sleep_for(1ms);
    finished = true;
  });
  entered.wait();
  w.unwatch(ready_event);
  EXPECT_TRUE(finished);
  close(ready_event);
}

TEST_F(Warden, SaysThatADescriptorCannotBeWatched) {
  warden w;
  EXPECT_THROW(w.watch(-1, [] {}), std::system_error);
  EXPECT_THROW(w.watch(-1, [] {}), std::system_error);  // and has not remembered it
}

class WardenMisuse : public Warden {
 protected:
  WardenMisuse() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(WardenMisuse, WatchingADescriptorTwiceIsNamed) {
  EXPECT_DEATH(
      {
        warden w;
        const int ready_event = eventfd(0, 0);
        w.watch(ready_event, [] {});
        w.watch(ready_event, [] {});
      },
      "already watches descriptor");
}

TEST_F(WardenMisuse, EndingWithTasksUnderItsCareIsNamed) {
  EXPECT_DEATH(
      {
        warden w;
        w.enlist(std::make_shared<test_lease>(cancel_cell::make(nullptr, nullptr), preempt::stop_claim{}));
      },
      "ends with 1 tasks under its care");
}

TEST_F(WardenMisuse, AProofThatIsNoneOfItsIsNamed) {
  EXPECT_DEATH(warden().set_proof(stop_proof::returned), "not by \"returned\"");
}

TEST_F(WardenMisuse, TellingItOfACellThatIsNotCancelledIsNamed) {
  EXPECT_DEATH(
      {
        warden w;
        const auto cell = cancel_cell::make(nullptr, nullptr);
        w.enlist(
            std::make_shared<test_lease>(cell, preempt::stop_claim{.what = preempt::stop_claim::answer::withdrawn}));
        w.cancelled(*cell);
      },
      "a cell that is not cancelled");
}

}  // namespace
}  // namespace workit::test
