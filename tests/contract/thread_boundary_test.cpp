// The contract of boundary::thread: work that ignores every stop token is stopped in place, or the stop is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>
#include <mutex>
#include <random>
#include <stdexcept>
#include <support/fixture.hpp>
#include <support/seed.hpp>
#include <thread>
#include <workit/workit.hpp>

#include "failures/host_program.hpp"
#include "options/every_time.hpp"
#include "receipt_of.hpp"

namespace workit::test {
namespace {

using namespace std::chrono_literals;

std::atomic<std::uint64_t> beats{0};
std::atomic<bool> let_out{false};
std::mutex taken;

void beat_for_ever() {
  while (!let_out.load(std::memory_order_relaxed)) beats.fetch_add(1, std::memory_order_relaxed);
}
void beat_under_a_lock() {
  const std::lock_guard guard(taken);
  beat_for_ever();
}
int add(int a, int b) { return a + b; }
std::uint64_t thread_of_the_task() { return static_cast<std::uint64_t>(::gettid()); }
void wait_for_beats() {
  for (const auto before = beats.load(); beats.load() < before + 100;) std::this_thread::yield();
}

const offload_options at_thread{.boundary = boundary::thread};

class ThreadBoundary : public runtime_test {
 protected:
  void SetUp() override {
    if (const auto& why = preempt::why_unsupported(); !why.empty()) GTEST_SKIP() << why;
    runtime_test::SetUp();
    let_out = false;
  }
  void TearDown() override {
    if (!IsSkipped()) runtime_test::TearDown();
  }
};

TEST_F(ThreadBoundary, ReturnsTheValue) {
  runtime rt({}, threads({.threads = 1}));
  EXPECT_EQ(rt.run([](scope& s) { return offload(at_thread, add, 40, 2)(s); }), 42);
}

// A deadline drops what a body returns after it; a time limit believes the body, so there it matters that a wait for a
// task that was cancelled with its waiter does not return.
TEST_F(ThreadBoundary, UnderADeadlineEndsOneWayHoweverItIsWaitedFor) {
  runtime rt({}, threads({.threads = 1}));
  const auto waited_for = [](scope& s) {
    auto t = s.spawn(offload(at_thread, beat_for_ever));
    t.wait();
  };
  const auto taken = [](scope& s) { s.spawn(offload(at_thread, beat_for_ever)).get(); };
  const auto by_deadline = [&](auto body) { rt.run({.deadline = 2ms}, body); };
  const auto by_limit = [&](auto body) { rt.run(timeout(2ms, [&](context& ctx) { ctx.scope(body); })); };
  for (int round = 0; round < 500; ++round) {
    ASSERT_THROW(by_deadline(waited_for), timed_out) << round;
    ASSERT_THROW(by_deadline(taken), timed_out) << round;
    ASSERT_THROW(by_limit(waited_for), timed_out) << round;
    ASSERT_THROW(by_limit(taken), timed_out) << round;
  }
}

TEST_F(ThreadBoundary, TakesEveryStopTimeout) {
  const auto starts = [](auto t) {
    runtime rt({}, threads({.threads = 1, .stop_timeout = t}));
    return receipt_of(rt, {}, [](scope& s) {
      s.spawn(offload(at_thread, beat_for_ever));
      s.sleep_for(1ms);
      wait_for_beats();
      s.cancel("enough");
    });
  };
  time_option(
      "thread_options.hpp: stop_timeout",
      [&](auto t) {
        const auto receipt = starts(t);
        ASSERT_EQ(receipt.stops.size(), 1u);
        EXPECT_EQ(receipt.stops[0].receipt.method, stop_method::abandoned);
      },
      [&](auto t) { EXPECT_THROW(starts(t), start_failed); });
}

[[gnu::noinline]] int recurse(volatile int& depth) {
  volatile char frame[512];
  depth = depth + 1;
  frame[0] = static_cast<char>(depth);
  return (depth < 0 ? 0 : recurse(depth)) + frame[0];
}
int overflow() {
  volatile int depth = 0;
  return recurse(depth);
}
int exit_with_7() { std::exit(7); }

/// Each of these has a process of its own: a handler of SIGSEGV is installed once in one, and exit() ends it.
class ThreadBoundaryDeathTest : public ThreadBoundary {};

TEST_F(ThreadBoundaryDeathTest, ATaskThatOverflowsItsStackIsNamed) {
  const auto run = [](overflow_report how) {
    runtime rt({.overflow_report = how}, threads({.threads = 1, .stack_size = 256 * 1024}));
    rt.run([](scope& s) { return s.spawn({.name = "parse"}, offload(at_thread, overflow)).get(); });
  };
  EXPECT_EXIT(run(overflow_report::if_default), testing::KilledBySignal(SIGSEGV),
              "task \"parse\" at boundary::thread has overflowed its stack of 256 KiB.*thread_options::stack_size");
  EXPECT_EXIT(run(overflow_report::never), testing::KilledBySignal(SIGSEGV),
              testing::Not(testing::HasSubstr("overflowed")))
      << "the control arm";
}

TEST_F(ThreadBoundaryDeathTest, ATaskThatCallsExitEndsTheProcess) {
  const auto run = [](bool is_static) {
    std::atexit([] { std::fputs("handlers ran\n", stderr); });
    static std::unique_ptr<runtime> kept;
    auto rt = std::make_unique<runtime>(runtime_options{}, threads({.threads = 1}));
    if (is_static) kept = std::move(rt);
    (is_static ? kept : rt)->run([](scope& s) { return offload(at_thread, exit_with_7)(s); });
  };
  EXPECT_EXIT(run(false), testing::ExitedWithCode(7), "handlers ran");
  EXPECT_EXIT(run(true), testing::ExitedWithCode(7), "handlers ran");
}

TEST_F(ThreadBoundary, HasNoTwoPoolsOfOneName) {
  const auto start = [](const char* second) {
    runtime rt({}, threads({.name = "score", .threads = 1}), threads({.name = second, .threads = 1}));
  };
  start("rank");
  EXPECT_THROW(start("score"), start_failed);
}

TEST_F(ThreadBoundary, ThrowsNestedExceptionsAsTheyAre) {
  runtime rt({}, threads({.threads = 1}));
  const auto task = offload(at_thread, [] {
    try {
      throw std::out_of_range("far");
    } catch (...) {
      std::throw_with_nested(std::runtime_error("near"));
    }
  });
  try {
    rt.run([&](scope& s) { task(s); });
    ADD_FAILURE() << "it did not throw";
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "near");
    EXPECT_THROW(std::rethrow_if_nested(e), std::out_of_range);
  }
}

TEST_F(ThreadBoundary, ATaskMayHaveARuntimeOfItsOwn) {
  runtime rt({}, threads({.threads = 1}));
  const auto sum = [](int a, int b) {
    runtime own({}, threads({.threads = 1}));
    return own.run([&](scope& s) { return offload(at_thread, add, a, b)(s); });
  };
  EXPECT_EQ(rt.run([&](scope& s) { return offload(at_thread, sum, 40, 2)(s); }), 42);
}

TEST_F(ThreadBoundary, ThrowsTheVeryExceptionOfTheTask) {
  runtime rt({}, threads({.threads = 1}));
  EXPECT_THROW(rt.run([](scope& s) { offload(at_thread, [] { throw std::out_of_range("far"); })(s); }),
               std::out_of_range);
}

TEST_F(ThreadBoundary, IsNeverStoppedBeforeThatWasRequested) {
  runtime rt({}, threads({.threads = 1}));
  int stops = 0;
  for (int round = 0; round < 300; ++round) {
    const auto receipt = receipt_of(rt, {.deadline = 2ms}, [](scope& s) { offload(at_thread, beat_for_ever)(s); });
    for (const auto& r : receipt.stops) {
      ASSERT_GE(r.receipt.stopped, r.receipt.requested) << "round " << round;
      ++stops;
    }
  }
  EXPECT_GT(stops, 200) << "the control: its deadline found the task running";
}

TEST_F(ThreadBoundary, StopsALoopInPlaceAndTheThreadGoesOn) {
  runtime rt({}, threads({.threads = 1, .spares = 0}));
  std::uint64_t before = 0;
  const auto receipt = receipt_of(rt, {.name = "request"}, [&](scope& s) {
    before = offload(at_thread, thread_of_the_task)(s);
    s.spawn({.name = "loop"}, offload(at_thread, beat_for_ever));
    s.sleep_for(20ms);
    wait_for_beats();
    s.cancel("enough");
  });
  const auto after = beats.load();
  ASSERT_EQ(receipt.stops.size(), 1U);
  const auto& stop = receipt.stops[0].receipt;
  EXPECT_EQ(stop.where, boundary::thread);
  EXPECT_EQ(stop.method, stop_method::abandoned);
  EXPECT_EQ(stop.proof, stop_proof::landed);
  EXPECT_GE(stop.stopped, stop.requested);
  ASSERT_TRUE(stop.thread);
  EXPECT_GE(stop.thread->signals, 1U);
  EXPECT_EQ(stop.thread->at, leaving::in_place);
  EXPECT_EQ(rt.run([](scope& s) { return offload(at_thread, thread_of_the_task)(s); }), before);
  ::usleep(20000);
  EXPECT_EQ(beats.load(), after) << "the loop ran on after it was said to be stopped";
}

TEST_F(ThreadBoundary, ControlArmATaskThatIsNotStoppedRunsOn) {
  runtime rt({}, threads({.threads = 1}));
  rt.run([&](scope& s) {
    auto loop = s.spawn(offload(at_thread, beat_for_ever));
    s.sleep_for(40ms);
    wait_for_beats();
    let_out = true;
    loop.get();
  });
}

TEST_F(ThreadBoundary, KeepsADeadlineWhileEveryIoThreadIsBusy) {
  runtime rt({}, threads({.threads = 1}));
  std::uint64_t at_end = 0, later = 1;
  const auto receipt = receipt_of(rt, {.deadline = 30ms}, [&](scope& s) {
    s.spawn(offload(at_thread, beat_for_ever));
    s.yield();
    const auto until = std::chrono::steady_clock::now() + 400ms;
    while (std::chrono::steady_clock::now() < until) {
      if (until - std::chrono::steady_clock::now() < 100ms && at_end == 0) at_end = beats;
    }
    later = beats;
  });
  EXPECT_GT(at_end, 0U);
  EXPECT_EQ(at_end, later) << "the loop was still running when its deadline had long passed";
  ASSERT_EQ(receipt.stops.size(), 1U);
  EXPECT_EQ(receipt.stops[0].receipt.method, stop_method::abandoned);
  EXPECT_LT(receipt.stops[0].receipt.stopped - receipt.opened, 300ms);
}

TEST_F(ThreadBoundary, ATimeOutIsAnErrorOfTheCall) {
  runtime rt({}, threads({.threads = 1}));
  rt.run([&](scope& s) {
    EXPECT_THROW(offload({.boundary = boundary::thread, .timeout = 20ms}, beat_for_ever)(s), timed_out);
    EXPECT_EQ(offload(at_thread, add, 1, 2)(s), 3);
  });
}

TEST_F(ThreadBoundary, RefusesToStopUnderALockAndTheNextTaskStartsAllTheSame) {
  runtime rt({}, threads({.name = "pool", .threads = 1, .spares = 1, .stop_timeout = 2ms}));
  const auto& pool = find_threads(rt, "pool");
  const auto receipt = receipt_of(rt, {}, [&](scope& s) {
    s.spawn({.name = "holds a lock"}, offload(at_thread, beat_under_a_lock));
    s.sleep_for(20ms);
    wait_for_beats();
    s.cancel("enough");
  });
  ASSERT_EQ(receipt.stops.size(), 1U);
  const auto& stop = receipt.stops[0].receipt;
  EXPECT_EQ(stop.method, stop_method::refused);
  EXPECT_EQ(stop.proof, stop_proof::none);
  ASSERT_TRUE(stop.thread);
  EXPECT_EQ(stop.thread->refused.kind, obstacle::lock_held);
  EXPECT_EQ(rt.run([](scope& s) { return offload(at_thread, add, 1, 2)(s); }), 3);
  wait_for_beats();  // it runs on
  ASSERT_EQ(pool->status().refused.size(), 1U);
  EXPECT_EQ(pool->status().refused[0].name, "holds a lock");
  let_out = true;
  while (!pool->status().refused.empty()) ::usleep(1000);
  EXPECT_TRUE(taken.try_lock()) << "the lock was never given back";
  taken.unlock();
}

// However short stop_timeout is, and however few chances a busy machine gives the thread in it.
TEST_F(ThreadBoundary, RefusesAfterSeveralLooksAndNotByTheClockAlone) {
  runtime rt({}, threads({.name = "pool", .threads = 1, .spares = 1, .stop_timeout = 0ms}));
  for (int i = 0; i < 20; ++i) {
    let_out = false;
    const auto receipt = receipt_of(rt, {}, [&](scope& s) {
      s.spawn(offload(at_thread, beat_under_a_lock));
      s.sleep_for(1ms);  // it begins when this fiber suspends
      wait_for_beats();
      s.cancel("enough");
    });
    let_out = true;
    ASSERT_EQ(receipt.stops.size(), 1U);
    const auto& stop = receipt.stops[0].receipt;
    ASSERT_EQ(stop.method, stop_method::refused);
    EXPECT_EQ(stop.thread->refused.kind, obstacle::lock_held);
    EXPECT_GE(stop.thread->signals, 3U);
    while (!find_threads(rt, "pool")->status().refused.empty()) ::usleep(1000);
  }
}

std::atomic<int> nice_at_cleanup{-1};

int nice_of(pid_t thread) { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(thread)); }
bool may_raise_a_priority() {
  bool may = false;
  std::thread([&] {
    const int before = nice_of(0);
    may = ::setpriority(PRIO_PROCESS, 0, before + 1) == 0 && ::setpriority(PRIO_PROCESS, 0, before) == 0;
  }).join();
  return may;
}

// A niced thread that holds one of the pool's locks would keep all others waiting for its turn.
TEST_F(ThreadBoundary, ARefusedThreadIsNicedForItsTaskAndForNothingElse) {
  runtime rt({}, threads({.name = "pool", .threads = 1, .spares = 1, .stop_timeout = 1ms}));
  const auto receipt = receipt_of(rt, {}, [&](scope& s) {
    s.spawn(offload(at_thread, [](worker_context& ctx) {
      ctx.defer([] { nice_at_cleanup = nice_of(0); });
      beat_under_a_lock();
    }));
    s.sleep_for(1ms);
    wait_for_beats();
    s.cancel("enough");
  });
  ASSERT_EQ(receipt.stops.at(0).receipt.method, stop_method::refused);
  const auto refused = find_threads(rt, "pool")->status().refused;
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_EQ(nice_of(refused[0].thread), 19);
  EXPECT_NE(nice_of(0), 19) << "the control: this thread is not";
  let_out = true;
  while (!find_threads(rt, "pool")->status().refused.empty()) ::usleep(1000);
  EXPECT_EQ(nice_at_cleanup, may_raise_a_priority() ? nice_of(0) : 19);
}

TEST_F(ThreadBoundary, WithNoLeaveToRefuseTheCallerWaits) {
  runtime rt({}, threads({.threads = 1, .stop_timeout = 1ms, .refused_limit = 0}));
  const auto receipt = receipt_of(rt, {}, [&](scope& s) {
    s.spawn(offload(at_thread, beat_under_a_lock));
    s.sleep_for(20ms);
    wait_for_beats();
    std::thread([] {
      ::usleep(50000);
      let_out = true;
    }).detach();
    s.cancel("enough");
  });
  ASSERT_EQ(receipt.stops.size(), 1U);
  EXPECT_TRUE(let_out);
  EXPECT_EQ(receipt.stops[0].receipt.method, stop_method::abandoned);
  EXPECT_EQ(receipt.stops[0].receipt.thread->at, leaving::critical_exit);
}

TEST_F(ThreadBoundary, CooperativeCodeStopsByItself) {
  runtime rt({}, threads({.threads = 1}));
  const auto receipt = receipt_of(rt, {}, [&](scope& s) {
    s.spawn(offload({.boundary = boundary::thread, .grace = 10s}, [](worker_context& ctx) {
      for (;;) {
        ++beats;
        ctx.check();
      }
    }));
    s.sleep_for(20ms);
    wait_for_beats();
    s.cancel("enough");
  });
  ASSERT_EQ(receipt.stops.size(), 1U);
  EXPECT_EQ(receipt.stops[0].receipt.method, stop_method::cooperative);
}

std::atomic<int> cleanups{0};
std::atomic<int> owned_descriptor{-1};
TEST_F(ThreadBoundary, CleanupsRunDescriptorsAreClosedAndTheArenaIsGivenBack) {
  runtime rt({}, threads({.threads = 1}));
  cleanups = 0;
  const auto receipt = receipt_of(rt, {}, [&](scope& s) {
    s.spawn(offload(at_thread, [](worker_context& ctx) {
      ctx.defer([] { cleanups = cleanups * 10 + 1; });
      ctx.defer([] { cleanups = cleanups * 10 + 2; });
      owned_descriptor = ctx.own(::dup(0));
      std::pmr::vector<int> numbers(100000, 1, &ctx.memory());
      beat_for_ever();
    }));
    s.sleep_for(20ms);
    wait_for_beats();
    s.cancel("enough");
  });
  EXPECT_EQ(cleanups, 21);
  EXPECT_EQ(::lseek(owned_descriptor, 0, SEEK_CUR) < 0 && errno == EBADF, true);
  ASSERT_EQ(receipt.stops.size(), 1U);
  EXPECT_GE(receipt.stops[0].receipt.thread->arena_bytes, 400000U);
}

TEST_F(ThreadBoundary, AStopNeverReachesTheNextTask) {
  std::mt19937_64 random(seed());
  runtime rt({}, threads({.threads = 1, .spares = 0}));
  int stopped = 0;
  for (int i = 0; i < 2000; ++i) {
    rt.run([&](scope& s) {
      auto first = s.spawn(offload(
          at_thread,
          [](int spins) {
            for (int k = 0; k < spins; ++k) {
              asm volatile("");
            }
            return spins;
          },
          i % 16 == 1 ? std::numeric_limits<int>::max() : static_cast<int>(random() % 20000)));
      s.yield();
      if (i % 16 == 0) first.wait();  // on a busy machine a stop would always come first
      for (auto k = random() % 20000; k > 0; --k) {
        asm volatile("");
      }
      first.cancel("raced");
      stopped += first.result().is_cancelled() ? 1 : 0;
      // Interrupted by a late kick, poll(2) would say so.
      EXPECT_EQ(offload(at_thread, [] { return ::usleep(50); })(s), 0) << "round " << i;
    });
  }
  EXPECT_GE(stopped, 2000 / 16);
  EXPECT_LE(stopped, 2000 - 2000 / 16);
}

TEST_F(ThreadBoundary, AThreadWithSpoiltThreadLocalsIsReplaced) {
  runtime rt({}, threads({.name = "pool", .threads = 1, .spares = 0}));
  receipt_of(rt, {}, [&](scope& s) {
    s.spawn(offload(at_thread, [] {
      thread_local std::vector<int> numbers;
      for (;;) {
        numbers.push_back(1);
        ++beats;
        if (numbers.size() > 1000) numbers.clear();
      }
    }));
    s.sleep_for(20ms);
    wait_for_beats();
    s.cancel("enough");
  });
  EXPECT_EQ(rt.run([](scope& s) { return offload(at_thread, add, 1, 2)(s); }), 3);
  EXPECT_EQ(find_threads(rt, "pool")->status().retired, 1U);
}

TEST_F(ThreadBoundary, RefusesOptionsThatOnlyProcessesHave) {
  EXPECT_THROW(static_cast<void>(offload({.boundary = boundary::thread, .limits = {.memory = 1 << 20}}, add, 1, 2)),
               std::invalid_argument);
  EXPECT_THROW(static_cast<void>(offload(at_thread, [](context&) {})), std::invalid_argument);
}

TEST_F(ThreadBoundary, WithoutAPoolTheErrorSaysWhatToAdd) {
  runtime rt;
  try {
    rt.run([](scope& s) { offload(at_thread, add, 1, 2)(s); });
    FAIL();
  } catch (const start_failed& e) {
    EXPECT_NE(std::string(e.what()).find("workit::threads("), std::string::npos) << e.what();
  }
}

TEST_F(ThreadBoundary, QueuedWorkIsWithdrawn) {
  runtime rt({}, threads({.threads = 1, .spares = 0}));
  const auto receipt = receipt_of(rt, {}, [&](scope& s) {
    s.spawn({.name = "runs"}, offload(at_thread, beat_for_ever));
    s.spawn({.name = "waits"}, offload(at_thread, beat_for_ever));
    s.sleep_for(20ms);
    wait_for_beats();
    s.cancel("enough");
  });
  ASSERT_EQ(receipt.stops.size(), 2U);
  int withdrawn = 0;
  for (const auto& s : receipt.stops) {
    withdrawn += s.receipt.method == stop_method::withdrawn;
    EXPECT_EQ(s.receipt.where, boundary::thread);
  }
  EXPECT_EQ(withdrawn, 1);
}

// A destructor that waits for the task waits for ever: the control arm. So does a library's, as OpenBLAS's.
TEST_F(ThreadBoundary, ItsProgramLeavesBesideATaskThatRunsOn) {
  host_program stuck({WORKIT_REFUSED_HOST, "exit"});
  std::string said;
  for (char c = 0; !said.ends_with("waits ") && read(stuck.output(), &c, 1) == 1;) said += c;
  EXPECT_TRUE(said.ends_with("1 waits ")) << said;
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(kill(stuck.pid(), 0), 0);
  EXPECT_EQ(waitpid(stuck.pid(), nullptr, WNOHANG), 0) << "the control arm: it has ended by itself";

  host_program leaves({WORKIT_REFUSED_HOST, "leave"});
  said = leaves.said();
  EXPECT_EQ(leaves.wait(), 7);
  EXPECT_NE(said.find("task \"spinner\" of pool \"threads\" runs on, on thread "), std::string::npos) << said;
  EXPECT_NE(said.find("its stop was refused for lock_held; 1 "), std::string::npos) << said;
  EXPECT_EQ(said.find("waits"), std::string::npos) << said;
}

TEST_F(ThreadBoundary, ItsProgramReturnsFromMainWhereNothingRunsOn) {
  host_program host({WORKIT_REFUSED_HOST, "leave_without"});
  EXPECT_EQ(host.said(), "0 ");
  EXPECT_EQ(host.wait(), 7);
}

// A handle on the pool, as the runtime's end, stops it again.
TEST_F(ThreadBoundary, ItsPoolIsStoppedTwiceBesideATaskThatRunsOn) {
  runtime rt({}, threads({.threads = 1}));
  const auto pool = find_threads(rt, "");
  rt.run([](scope& s) {
    const auto before = beats.load();
    auto task = s.spawn({.background = true}, offload(at_thread, beat_under_a_lock));
    while (beats.load() == before) s.sleep_for(1ms);
    task.cancel("enough");
    task.wait();
  });
  EXPECT_EQ(rt.shutdown().running_on.size(), 1u);
  pool->stop();
  EXPECT_EQ(rt.shutdown().running_on.size(), 1u);
  let_out = true;
  while (!rt.shutdown().running_on.empty()) std::this_thread::yield();
}

}  // namespace
}  // namespace workit::test
