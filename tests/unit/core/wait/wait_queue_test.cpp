// wait_queue: what the locks and channels are made of.
#include <gtest/gtest.h>

#include <array>
#include <support/fixture.hpp>
#include <thread>
#include <vector>
#include <workit/scope/runtime.hpp>
#include <workit/wait/detail/wait_queue.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using detail::spin_lock;
using detail::wait_end;
using detail::wait_queue;
using detail::waiter;
using test::manual_runtime;

class WaitQueue : public test::runtime_test {};
using WaitQueueDeathTest = WaitQueue;

/// A queue with its lock, and nothing else.
struct gate {
  spin_lock lock;
  wait_queue queue;

  wait_end wait() {
    detail::enter_wait("waiting at a gate");
    waiter w;
    std::unique_lock held(lock);
    return detail::wait_in(queue, w, held);
  }
  waiter* choose() {
    const std::lock_guard held(lock);
    return queue.pop();
  }
  bool empty() {
    const std::lock_guard held(lock);
    return queue.empty();
  }
};

TEST_F(WaitQueue, ChoosesFirstInFirstOut) {
  wait_queue queue;
  std::array<waiter, 3> all;
  for (auto& w : all) queue.push(w);
  for (auto& w : all) EXPECT_EQ(queue.pop(), &w);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.pop(), nullptr);
}

TEST_F(WaitQueue, TakesOverAnotherAtItsEnd) {
  wait_queue queue, other;
  std::array<waiter, 4> all;
  queue.push(all[0]);
  other.push(all[1]);
  other.push(all[2]);
  queue.take(other);
  queue.take(other);
  EXPECT_TRUE(other.empty());
  queue.push(all[3]);
  for (auto& w : all) EXPECT_EQ(queue.pop(), &w);
}

TEST_F(WaitQueue, HoldsAFiberUntilItIsWoken) {
  manual_runtime rt;
  rt.run([](scope& s) {
    gate g;
    auto waits = s.spawn([&] { return g.wait(); });
    s.sleep_for(1h);
    EXPECT_EQ(waits.status(), task_status::running);
    g.choose()->wake();
    EXPECT_EQ(waits.get(), wait_end::granted);
  });
}

TEST_F(WaitQueue, HoldsAThreadUntilItIsWoken) {
  gate g;
  std::atomic<bool> woken{false};
  std::jthread thread([&] {
    EXPECT_EQ(g.wait(), wait_end::refused);
    EXPECT_TRUE(woken);
  });
  while (g.empty()) std::this_thread::yield();
  auto* w = g.choose();
  woken = true;
  w->wake(wait_end::refused);
}

TEST_F(WaitQueue, LetsACancelledFiberLeaveTheLine) {
  manual_runtime rt;
  rt.run([](scope& s) {
    gate g;
    auto waits = s.spawn([&] { g.wait(); });
    s.sleep_for(1s);
    EXPECT_FALSE(g.empty());
    waits.cancel("leave");
    EXPECT_TRUE(waits.result().is_cancelled());
    EXPECT_TRUE(g.empty());
  });
}

TEST_F(WaitQueue, KeepsACancelledFiberThatWasChosenUntilItIsWoken) {
  manual_runtime rt;
  rt.run([](scope& s) {
    gate g;
    auto waits = s.spawn([&] { return g.wait(); });
    s.sleep_for(1s);
    auto* chosen = g.choose();
    waits.cancel("too late");
    s.sleep_for(1h);
    EXPECT_EQ(waits.status(), task_status::running) << "it left a frame that its chooser still refers to";
    chosen->wake();
    EXPECT_EQ(waits.get(), wait_end::granted);
  });
}

TEST_F(WaitQueue, LetsAWaiterLeaveThatWasTakenOverButNotChosen) {
  manual_runtime rt;
  rt.run([](scope& s) {
    gate g;
    wait_queue taken;
    std::vector<task<wait_end>> waits;
    for (int i = 0; i < 3; ++i) waits.push_back(s.spawn([&] { return g.wait(); }));
    s.sleep_for(1s);
    taken.take(g.queue);
    waits[1].cancel("leave");
    EXPECT_TRUE(waits[1].result().is_cancelled());
    taken.wake_all(g.lock, wait_end::refused);
    EXPECT_EQ(waits[0].get(), wait_end::refused);
    EXPECT_EQ(waits[2].get(), wait_end::refused);
  });
}

TEST_F(WaitQueue, WakesAFiberOfAnotherLoop) {
  runtime rt({.io_threads = 2});
  gate g;
  for (int round = 0; round < 300; ++round) {
    auto waits = rt.spawn({}, [&](scope&) {
      const auto here = std::this_thread::get_id();
      EXPECT_EQ(g.wait(), wait_end::granted);
      EXPECT_EQ(std::this_thread::get_id(), here);
    });
    auto wakes = rt.spawn({}, [&](scope& s) {
      while (g.empty()) s.yield();
      g.choose()->wake();
    });
    waits.get();
    wakes.get();
  }
}

// The waker may hold the last reference to the loop that it posts to: the runtime ends as soon as its fiber has run.
TEST_F(WaitQueue, WakesTheLastFiberOfARuntimeThatEndsMeanwhile) {
  for (int round = 0; round < 100; ++round) {
    gate g;
    std::jthread wakes([&] {
      while (g.empty()) std::this_thread::yield();
      g.choose()->wake();
    });
    runtime().run([&](scope&) { EXPECT_EQ(g.wait(), wait_end::granted); });
  }
}

TEST_F(WaitQueueDeathTest, DestroyedUnderItsWaitersIsMisuse) {
  EXPECT_DEATH(
      {
        wait_queue queue;
        waiter w;
        queue.push(w);
        queue.~wait_queue();
      },
      "has to outlive its waiters");
}

}  // namespace
}  // namespace workit
