// A runtime without I/O threads runs on the caller's stack.
#include <gtest/gtest.h>

#include <boost/asio/steady_timer.hpp>
#include <random>
#include <support/fixture.hpp>
#include <support/seed.hpp>
#include <workit/base/detail/sanitizers.hpp>
#include <workit/compose.hpp>
#include <workit/compose/detached.hpp>
#include <workit/scope/executor.hpp>
#include <workit/scope/runtime.hpp>
#include <workit/use_fiber.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;

/// An address on the stack of the calling function.
[[gnu::noinline]] std::uintptr_t stack_here() { return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)); }

bool is_near(std::uintptr_t a, std::uintptr_t b) { return (a > b ? a - b : b - a) < 64 * 1024; }

/// ThreadSanitizer does not see the switches between fibers: many runs on one thread leave its stack of calls out of
/// balance, and it crashes.
void skip_where_runs_cannot_be_many() {
#ifdef WORKIT_THREAD_SANITIZER
  GTEST_SKIP() << "ThreadSanitizer crashes when one thread runs many loops";
#endif
}

class ThreadlessRuntime : public test::runtime_test {};

TEST_F(ThreadlessRuntime, RunsItsBodyOnTheCallingThreadAndItsStack) {
  runtime rt({.io_threads = 0});
  const auto here = stack_here();
  const auto thread = std::this_thread::get_id();
  const int got = rt.run([&](scope& s) {
    EXPECT_EQ(std::this_thread::get_id(), thread);
    EXPECT_TRUE(is_near(stack_here(), here));
    auto other = s.spawn([&] {
      EXPECT_EQ(std::this_thread::get_id(), thread);
      EXPECT_FALSE(is_near(stack_here(), here)) << "the control arm: a fiber has a stack of its own";
      return 41;
    });
    return other.get() + 1;
  });
  EXPECT_EQ(got, 42);
}

TEST_F(ThreadlessRuntime, DoesAllThatAScopeDoesWhileItIsRun) {
  runtime rt({.io_threads = 0});
  for (int round = 0; round < 3; ++round) {
    std::vector<std::string> told;
    rt.run({.name = "page"}, [&](scope& s) {
      s.defer([&] { told.emplace_back("cleanup"); });
      boost::asio::steady_timer timer(executor(s), 100us);
      timer.async_wait(use_fiber);
      told.emplace_back("I/O");
      EXPECT_THROW(timeout(1ms, [](context& ctx) { ctx.sleep_for(1h); })(s), timed_out);
      told.emplace_back("timed out");
      auto task = s.spawn([](context& ctx) { ctx.sleep_for(1h); });
      task.cancel("enough");
      task.wait();
      told.emplace_back("cancelled");
    });
    EXPECT_EQ(told, (std::vector<std::string>{"I/O", "timed out", "cancelled", "cleanup"}));
  }
}

TEST_F(ThreadlessRuntime, GivesErrorsAndDeadlinesToItsCaller) {
  runtime rt({.io_threads = 0});
  EXPECT_THROW(rt.run([](scope&) { throw std::out_of_range("x"); }), std::out_of_range);
  EXPECT_THROW(rt.run({.deadline = 1ms}, [](scope& s) { s.sleep_for(1h); }), timed_out);
  EXPECT_THROW(rt.run([](scope& s) {
    s.cancel("enough");
    s.check();
  }),
               scope_cancelled);
}

TEST_F(ThreadlessRuntime, DrivesWhatIsDetachedToItsEnd) {
  runtime rt({.io_threads = 0});
  bool ended = false;
  rt.run([&](scope& s) {
    detached(s.runtime(), [&](context& ctx) {
      ctx.sleep_for(1ms);
      ended = true;
    });
  });
  EXPECT_TRUE(ended);
}

TEST_F(ThreadlessRuntime, RunsWhatWasSpawnedBetweenItsCallsInTheNextOne) {
  runtime rt({.io_threads = 0});
  bool ran = false;
  auto early = rt.spawn({}, [&](scope&) { ran = true; });
  EXPECT_FALSE(ran);
  rt.run([](scope&) {});
  EXPECT_TRUE(ran);
  EXPECT_EQ(early.status(), task_status::succeeded);
}

TEST_F(ThreadlessRuntime, CancelsWhatHasNotRunWhenItEnds) {
  std::optional<task<void>> never;
  {
    runtime rt({.io_threads = 0});
    never = rt.spawn({}, [](scope&) { ADD_FAILURE() << "it ran"; });
  }
  EXPECT_EQ(never->status(), task_status::cancelled);
}

TEST_F(ThreadlessRuntime, GoesByAManualClock) {
  manual_clock clock;
  runtime rt({.io_threads = 0, .clock = &clock});
  rt.run([](scope& s) {
    const auto start = s.now();
    s.sleep_for(1h);
    EXPECT_EQ(s.now(), start + 1h);
  });
}

TEST_F(ThreadlessRuntime, LetsAThreadRunSeveralOneAfterTheOther) {
  runtime a({.io_threads = 0}), b({.io_threads = 0});
  for (auto* rt : {&a, &b, &a}) rt->run([](scope& s) { s.spawn([](context& ctx) { ctx.yield(); }).get(); });
  std::thread([&] { a.run([](scope& s) { s.spawn([](context& ctx) { ctx.sleep_for(100us); }).get(); }); }).join();
}

TEST_F(ThreadlessRuntime, IsDrivenByAThreadThatWaitsForItsTask) {
  runtime rt({.io_threads = 0});
  auto answer = rt.spawn([](scope& s) { return s.spawn([](context& ctx) { return ctx.sleep_for(1ms), 42; }).get(); });
  auto other = rt.spawn([](scope& s) { s.sleep_for(1ms); });
  EXPECT_EQ(answer.get(), 42);
  EXPECT_EQ(other.status(), task_status::succeeded) << "as run() does, it leaves nothing";
  EXPECT_EQ(rt.run([](scope&) { return 1; }), 1);
  auto failed = rt.spawn([](scope&) { throw std::out_of_range("x"); });
  EXPECT_TRUE(failed.result().is_error());
}

TEST_F(ThreadlessRuntime, IsDrivenByAThreadThatAsksForItsStatus) {
  runtime rt({.io_threads = 0});
  auto task = rt.spawn({.name = "page"}, [](scope&) {});
  EXPECT_EQ(rt.status().name, "workit");
  EXPECT_EQ(task.status(), task_status::succeeded);
}

TEST_F(ThreadlessRuntime, IsDrivenByOneOfManyThreadsThatWait) {
  skip_where_runs_cannot_be_many();
  if (IsSkipped()) return;
  std::mt19937_64 draw(test::seed());
  for (int round = 0; round < 200; ++round) {
    runtime rt({.io_threads = 0});
    std::vector<std::thread> waiters;
    std::atomic<int> sum{0};
    for (int i = 0; i < 4; ++i)
      waiters.emplace_back([&, pause = draw() % 50] {
        for (int n = 0; n < 5; ++n) {
          auto task = rt.spawn([pause](scope& s) { return s.sleep_for(std::chrono::microseconds(pause)), 1; });
          sum += task.get();
        }
      });
    for (auto& w : waiters) w.join();
    ASSERT_EQ(sum, 20) << "round " << round;
  }
}

TEST_F(ThreadlessRuntime, LetsAThreadGoOnOnceItsTaskHasEndedThoughAnotherDrivesOn) {
  runtime rt({.io_threads = 0});
  std::atomic<bool> begun{false}, over{false};
  std::thread driver([&] {
    rt.run([&](scope& s) {
      begun = true;
      while (!over) s.sleep_for(100us);
    });
  });
  while (!begun) std::this_thread::yield();
  auto task = rt.spawn([](scope& s) { return s.sleep_for(1ms), 7; });
  EXPECT_EQ(task.get(), 7);
  EXPECT_GE(rt.live_roots(), 1U) << "the driver's own goes on";
  over = true;
  driver.join();
}

TEST_F(ThreadlessRuntime, EndsWhileAnotherThreadWaits) {
  skip_where_runs_cannot_be_many();
  if (IsSkipped()) return;
  std::mt19937_64 draw(test::seed());
  for (int round = 0; round < 200; ++round) {
    auto rt = std::make_unique<runtime>(runtime_options{.io_threads = 0});
    auto task = rt->spawn([](scope& s) { s.sleep_for(1h); });
    std::thread waiter([&] { EXPECT_TRUE(task.result().is_cancelled()); });
    std::this_thread::sleep_for(std::chrono::microseconds(draw() % 200));
    rt.reset();
    waiter.join();
  }
}

TEST(ThreadlessRuntimeOptions, ThatContradictEachOtherAreRefused) {
  EXPECT_THROW(runtime({.io_threads = 0, .stall_after = 50ms}), std::invalid_argument);
  EXPECT_THROW(runtime({.io_threads = 1025}), std::invalid_argument);
}

}  // namespace
}  // namespace workit
