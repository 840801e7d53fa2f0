// manual_reset_event: set, reset and wait.
#include <gtest/gtest.h>

#include <random>
#include <support/fixture.hpp>
#include <support/seed.hpp>
#include <thread>
#include <vector>
#include <workit/scope/runtime.hpp>
#include <workit/wait/manual_reset_event.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

class ManualResetEvent : public test::runtime_test {};

TEST_F(ManualResetEvent, HoldsAllUntilItIsSet) {
  manual_runtime rt;
  rt.run([](scope& s) {
    manual_reset_event opened;
    int passed = 0;
    for (int i = 0; i < 100; ++i)
      s.spawn([&] {
        opened.wait();
        ++passed;
      });
    s.sleep_for(1h);
    EXPECT_EQ(passed, 0);
    EXPECT_FALSE(opened.is_set());
    opened.set();
    opened.set();
    s.yield();
    EXPECT_EQ(passed, 100);
    opened.wait();
  });
}

TEST_F(ManualResetEvent, LetsItsWaitersPassWhenItWasSetAndThenReset) {
  manual_runtime rt;
  rt.run([](scope& s) {
    manual_reset_event opened(true);
    opened.wait();
    opened.reset();
    bool passed = false;
    auto early = s.spawn([&] {
      opened.wait();
      passed = true;
    });
    s.sleep_for(1s);
    opened.set();
    opened.reset();
    early.get();
    EXPECT_TRUE(passed);
    auto late = s.spawn([&] { opened.wait(); });
    s.sleep_for(1h);
    EXPECT_EQ(late.status(), task_status::running);
    opened.set();
  });
}

TEST_F(ManualResetEvent, IsLeftByACancelledWaiter) {
  manual_runtime rt;
  rt.run([](scope& s) {
    manual_reset_event opened;
    auto leaves = s.spawn([&] { opened.wait(); });
    auto stays = s.spawn([&] { opened.wait(); });
    s.sleep_for(1s);
    leaves.cancel("leave");
    EXPECT_TRUE(leaves.result().is_cancelled());
    EXPECT_EQ(stays.status(), task_status::running);
    opened.set();
    stays.get();
  });
}

TEST_F(ManualResetEvent, IsACancelPointAlsoWhenItIsSet) {
  manual_runtime rt;
  manual_reset_event opened(true);
  EXPECT_THROW(rt.run([&](scope& s) {
    s.cancel("before");
    opened.wait();
  }),
               scope_cancelled);
}

TEST_F(ManualResetEvent, ReleasesFibersOfSeveralLoopsAndThreadsOfWhichSomeAreCancelledMeanwhile) {
  std::mt19937_64 random(test::seed());
  runtime rt({.io_threads = 3});
  for (int round = 0; round < 150; ++round) {
    manual_reset_event opened;
    int before = 0;  // not atomic: writes before set() are visible after wait()
    std::vector<task<int>> fibers;
    for (int i = 0; i < 6; ++i)
      fibers.push_back(rt.spawn({}, [&](scope&) {
        opened.wait();
        return before;
      }));
    std::jthread thread([&] {
      opened.wait();
      EXPECT_EQ(before, 7);
    });
    for (int i = 0; i < 3; ++i) {
      for (auto spin = random() % 3000; spin > 0; --spin) std::atomic_signal_fence(std::memory_order_seq_cst);
      fibers[random() % fibers.size()].cancel("race");
    }
    before = 7;
    opened.set();
    for (auto& f : fibers) {
      auto end = f.result();
      EXPECT_EQ(end.is_cancelled() ? 7 : std::move(end).value(), 7) << "round " << round;
    }
  }
}

}  // namespace
}  // namespace workit
