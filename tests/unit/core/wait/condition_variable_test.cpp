// condition_variable: waits that can be cancelled.
#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <string>
#include <support/fixture.hpp>
#include <support/seed.hpp>
#include <thread>
#include <vector>
#include <workit/scope/runtime.hpp>
#include <workit/wait/condition_variable.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

class ConditionVariable : public test::runtime_test {};
using ConditionVariableDeathTest = ConditionVariable;

TEST_F(ConditionVariable, WakesThoseItNotifiesInTheOrderOfWaiting) {
  manual_runtime rt;
  rt.run([](scope& s) {
    mutex m;
    condition_variable changed;
    std::string order;
    for (const char name : {'a', 'b', 'c', 'd'})
      s.spawn([&, name](context&) {
        std::unique_lock lock(m);
        changed.wait(lock);
        order += name;
      });
    s.sleep_for(1h);
    EXPECT_EQ(order, "") << "no waiter wakes without cause";
    changed.notify_one();
    s.sleep_for(1s);
    EXPECT_EQ(order, "a");
    changed.notify_all();
    s.sleep_for(1s);
    EXPECT_EQ(order, "abcd");
    changed.notify_one();
    changed.notify_all();
  });
}

TEST_F(ConditionVariable, WaitsUntilTheConditionHoldsWithTheMutexHeld) {
  manual_runtime rt;
  rt.run([](scope& s) {
    mutex m;
    condition_variable changed;
    int value = 0;
    auto waits = s.spawn([&](context&) {
      std::unique_lock lock(m);
      changed.wait(lock, [&] {
        EXPECT_TRUE(lock.owns_lock());
        EXPECT_FALSE(m.try_lock());
        return value == 3;
      });
      EXPECT_FALSE(m.try_lock()) << "it ends with the mutex held";
      return value;
    });
    for (int i = 0; i < 3; ++i) {
      s.sleep_for(1s);
      EXPECT_EQ(waits.status(), task_status::running);
      const std::lock_guard lock(m);
      ++value;
      changed.notify_one();
    }
    EXPECT_EQ(waits.get(), 3);
  });
}

TEST_F(ConditionVariable, GivesTheMutexBackToACancelledWaiterBeforeItLeaves) {
  manual_runtime rt;
  rt.run([](scope& s) {
    mutex m;
    condition_variable changed;
    bool held_on_leaving = false;
    auto waits = s.spawn([&](context&) {
      std::unique_lock lock(m);
      try {
        changed.wait(lock);
      } catch (const cancelled&) {
        held_on_leaving = lock.owns_lock() && !m.try_lock();
        throw;
      }
    });
    s.sleep_for(1s);
    {
      const std::lock_guard lock(m);
      waits.cancel("leave");
      s.sleep_for(1s);
      EXPECT_EQ(waits.status(), task_status::running) << "it may not leave without the mutex";
    }
    EXPECT_TRUE(waits.result().is_cancelled());
    EXPECT_TRUE(held_on_leaving);
    EXPECT_TRUE(m.try_lock());
    m.unlock();
  });
}

TEST_F(ConditionVariable, LetsANotificationThatChoseACancelledWaiterArrive) {
  manual_runtime rt;
  rt.run([](scope& s) {
    mutex m;
    condition_variable changed;
    bool notified = false;
    auto waits = s.spawn([&](context& ctx) {
      std::unique_lock lock(m);
      changed.wait(lock);
      notified = true;
      ctx.check();
    });
    s.sleep_for(1s);
    changed.notify_one();
    waits.cancel("too late");
    EXPECT_TRUE(waits.result().is_cancelled());
    EXPECT_TRUE(notified);
  });
}

TEST_F(ConditionVariable, IsACancelPointAlsoWhenTheConditionHolds) {
  manual_runtime rt;
  mutex m;
  condition_variable changed;
  EXPECT_THROW(rt.run([&](scope& s) {
    std::unique_lock lock(m);
    s.cancel("before");
    changed.wait(lock, [] { return true; });
  }),
               scope_cancelled);
}

// A queue of tokens made of mutex and condition: a notification lost to a cancelled waiter would leave a token lying
// while others wait for it, and the loop would not end.
TEST_F(ConditionVariable, LosesNoNotificationToFibersThatAreCancelledMeanwhile) {
  std::mt19937_64 random(test::seed());
  runtime rt({.io_threads = 3});
  for (int round = 0; round < 60; ++round) {
    mutex m;
    condition_variable more;
    int tokens = 0, taken = 0;
    constexpr int all = 100;
    const auto take = [&] {
      for (;;) {
        std::unique_lock lock(m);
        more.wait(lock, [&] { return tokens > 0 || taken == all; });
        if (taken == all) return;
        --tokens;
        if (++taken == all) more.notify_all();
      }
    };
    std::vector<task<void>> takers;
    for (int i = 0; i < 6; ++i) takers.push_back(rt.spawn({}, [&](scope&) { take(); }));
    std::jthread thread(take);
    for (int i = 0; i < all; ++i) {
      if (const auto victim = random() % 50; victim < 5) takers[victim].cancel("race");  // the sixth stays
      const std::lock_guard lock(m);
      ++tokens;
      // A waiter that was chosen may take its token and then be cancelled, but never take the notification along.
      more.notify_one();
    }
    for (auto& t : takers) t.wait();
    thread.join();
    ASSERT_EQ(tokens, 0) << "round " << round;
    ASSERT_EQ(taken, all);
  }
}

TEST_F(ConditionVariableDeathTest, WaitedOnWithoutTheMutexIsMisuse) {
  EXPECT_DEATH(manual_runtime().run([](scope&) {
    mutex m;
    condition_variable changed;
    std::unique_lock lock(m, std::defer_lock);
    changed.wait(lock);
  }),
               "waited on with a lock that does not hold its mutex");
}

}  // namespace
}  // namespace workit
