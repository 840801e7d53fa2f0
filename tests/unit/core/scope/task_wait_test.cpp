// Waiting for tasks: from fibers, threads and destructors.
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <support/fixture.hpp>
#include <thread>
#include <vector>
#include <workit/scope/runtime.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

class TaskWait : public test::runtime_test {};
using TaskWaitDeathTest = TaskWait;

TEST_F(TaskWait, BlocksAForeignThreadUntilItHasEnded) {
  manual_runtime rt;
  std::atomic<bool> may_end{false};
  auto root = rt.rt.spawn({}, [&](scope& s) {
    while (!may_end) s.yield();
    return 11;
  });
  std::atomic<int> got{0};
  std::vector<std::jthread> getters;
  for (int i = 0; i < 4; ++i)
    getters.emplace_back([root, &got]() mutable {
      root.wait();
      ++got;
    });
  EXPECT_EQ(got, 0);
  may_end = true;
  getters.clear();
  EXPECT_EQ(got, 4);
  EXPECT_EQ(root.get(), 11);
}

TEST_F(TaskWait, SuspendsAFiberOfAnotherLoopOfTheSameRuntime) {
  runtime rt({.io_threads = 2});
  std::atomic<bool> waits{false};
  auto other = rt.spawn({.name = "other"}, [&](scope& s) {
    const auto here = std::this_thread::get_id();
    while (!waits) s.yield();
    return here;
  });
  auto getter = rt.spawn({.name = "getter"}, [&](scope& s) {
    int neighbour_ran = 0;
    s.spawn([&](context& ctx) {
      while (other.status() != task_status::running) ctx.yield();
      neighbour_ran = 1;
      waits = true;
    });
    const auto there = other.get();
    EXPECT_NE(there, std::this_thread::get_id());
    return neighbour_ran;
  });
  EXPECT_EQ(getter.get(), 1) << "the loop of the getter stood still while it waited";
}

TEST_F(TaskWait, LetsAGetterOnAnotherLoopLeaveWhenThatIsCancelled) {
  runtime rt({.io_threads = 2});
  auto other = rt.spawn({}, [&](scope& s) { s.sleep_for(1h); });
  auto getter = rt.spawn({}, [&](scope& s) {
    s.spawn([&s](context&) { s.cancel("not waiting"); });
    other.get();
  });
  EXPECT_THROW(getter.get(), scope_cancelled);
  other.cancel("done");
  EXPECT_TRUE(other.result().is_cancelled());
}

TEST_F(TaskWait, AnswersManyGettersOnTwoLoopsWhileItEndsAtAnyMoment) {
  runtime rt({.io_threads = 2});
  for (int round = 0; round < 300; ++round) {
    auto source = rt.spawn({}, [](scope& s) { s.yield(); });
    auto other = rt.spawn({}, [source](scope& s) mutable {
      for (int i = 0; i < 3; ++i) s.spawn([source]() mutable { source.wait(); });
    });
    source.wait();
    other.wait();
  }
}

TEST_F(TaskWaitDeathTest, WaitedForOnTheLoopsOwnStackIsMisuse) {
  EXPECT_DEATH(manual_runtime().run([](scope& s) {
    auto t = s.spawn([](context& ctx) { ctx.sleep_for(1h); });
    s.sleep_for(1s);  // it has begun, so that it does not end before the callback runs
    const std::stop_callback waits(s.stop_token(), [&] { t.wait(); });
    s.cancel("now");
    s.sleep_for(1h);
  }),
               "waiting for a task suspends, and only a fiber can: .*on the loop's own stack");
}

// A destructor that waits for a task while its fiber unwinds: cancel points are shielded then, and it gets its answer.
struct waits_in_destructor {
  task<int> awaited;
  std::optional<int>& got;
  ~waits_in_destructor() {
    try {
      got = awaited.get();
    } catch (...) {
      got = -1;
    }
  }
};

TEST_F(TaskWait, AnswersADestructorThatWaitsWhileCancelledUnwinds) {
  manual_runtime rt;
  std::optional<int> got;
  EXPECT_THROW(rt.run([&](scope& s) {
    auto slow_to_stop = s.spawn([](context& ctx) {
      ctx.defer([](context& c) { c.sleep_for(10s); });
      ctx.sleep_for(1h);
      return 1;
    });
    s.spawn([&](context& ctx) {
      const waits_in_destructor guard{slow_to_stop, got};
      ctx.sleep_for(1h);
    });
    s.sleep_for(1s);
    s.cancel("stop");
    s.check();
  }),
               scope_cancelled);
  EXPECT_EQ(got, -1) << "it heard that the task was cancelled, after that had ended";
}

TEST_F(TaskWait, AnswersADestructorThatWaitsLongerThanTheBoundOfUnwinding) {
  manual_runtime rt({.cleanup_timeout = 1s});
  std::optional<int> got;
  EXPECT_THROW(rt.run([&](scope& s) {
    auto slow_to_stop = s.spawn([](context& ctx) {
      ctx.defer({.timeout = 1h}, [](context& c) { c.sleep_for(10s); });
      ctx.sleep_for(1h);
      return 1;
    });
    s.spawn([&](context& ctx) {
      const waits_in_destructor guard{slow_to_stop, got};
      ctx.sleep_for(1h);
    });
    s.sleep_for(1s);
    s.cancel("stop");
    s.check();
  }),
               scope_cancelled);
  EXPECT_EQ(got, -1);
}

TEST_F(TaskWait, AnswersADestructorThatWaitsForAnotherLoopLongerThanTheBoundOfUnwinding) {
  runtime rt({.io_threads = 2, .cleanup_timeout = 100us});
  std::optional<int> got;
  std::atomic<bool> may_end{false};
  auto other = rt.spawn({}, [&](scope& s) {
    while (!may_end) s.yield();
    return 8;
  });
  auto stops = rt.spawn({}, [&](scope& s) {
    s.spawn([&](context& ctx) {
      const waits_in_destructor guard{other, got};
      ctx.sleep_for(1h);
    });
    s.spawn({.name = "opens the gate"}, [&](context& ctx) {
      ctx.defer({.timeout = 1h}, [&](context& c) {
        c.sleep_for(1ms);  // past the bound of the destructor
        may_end = true;
      });
      ctx.sleep_for(1h);
    });
    s.spawn([&s] { s.cancel("stop"); });
    s.sleep_for(1h);
  });
  EXPECT_THROW(stops.get(), scope_cancelled);
  EXPECT_EQ(got, 8);
}

}  // namespace
}  // namespace workit
