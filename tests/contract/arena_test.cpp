// The contract of boundary::cooperative: code that checks is stopped, with all that it started in parallel.
#include <gtest/gtest.h>
#include <tbb/parallel_for.h>
#include <unistd.h>

#include <atomic>
#include <stdexcept>
#include <support/fixture.hpp>
#include <workit/workit.hpp>

#include "receipt_of.hpp"

namespace workit::test {
namespace {

using namespace std::chrono_literals;

const offload_options in_arena{.boundary = boundary::cooperative};
std::atomic<std::uint64_t> beats{0};
std::atomic<bool> released{false};

void wait_for_beats() {
  for (const auto before = beats.load(); beats.load() < before + 100;) std::this_thread::yield();
}
void beat_and_check(worker_context& ctx) {
  while (!released) {
    ++beats;
    ctx.check();
  }
}

class Arena : public runtime_test {
 protected:
  void SetUp() override {
    runtime_test::SetUp();
    released = false;
  }
};

TEST_F(Arena, ReturnsTheValueAndTheVeryException) {
  runtime rt({}, arena({.threads = 2}));
  rt.run([](scope& s) {
    EXPECT_EQ(offload(
                  in_arena, [](int a, int b) { return a + b; }, 40, 2)(s),
              42);
    EXPECT_THROW(offload(in_arena, [] { throw std::out_of_range("far"); })(s), std::out_of_range);
  });
}

TEST_F(Arena, StopsAtTheNextCheck) {
  runtime rt({}, arena({.threads = 2}));
  const auto receipt = receipt_of(rt, {.deadline = 30ms}, [&](scope& s) {
    s.spawn({.name = "loop"}, offload(in_arena, beat_and_check));
    s.sleep_for(1h);
  });
  ASSERT_EQ(receipt.stops.size(), 1U);
  EXPECT_EQ(receipt.stops[0].receipt.where, boundary::cooperative);
  EXPECT_EQ(receipt.stops[0].receipt.method, stop_method::cooperative);
  EXPECT_EQ(receipt.stops[0].receipt.proof, stop_proof::returned);
  const auto after = beats.load();
  ::usleep(20000);
  EXPECT_EQ(beats.load(), after);
}

TEST_F(Arena, ControlArmALoopThatDoesNotAskRunsOnUntilItEndsByItself) {
  runtime rt({}, arena({.threads = 2}));
  std::uint64_t at_cancel = 0;
  const auto receipt = receipt_of(rt, {}, [&](scope& s) {
    s.spawn(offload(in_arena, [] {
      while (!released) ++beats;
    }));
    s.sleep_for(10ms);
    wait_for_beats();
    s.cancel("enough");
    at_cancel = beats;
    wait_for_beats();
    released = true;
  });
  EXPECT_GE(beats, at_cancel + 100);
  EXPECT_EQ(receipt.outcome, scope_outcome::cancelled);
}

TEST_F(Arena, WhatItStartedInParallelIsCancelledWithIt) {
  runtime rt({}, arena({.threads = 2}));
  static std::atomic<std::uint64_t> done{0};
  done = 0;
  const auto receipt = receipt_of(rt, {}, [&](scope& s) {
    s.spawn(offload(in_arena, [] {
      // No piece checks here: the pieces that have not begun are dropped.
      tbb::parallel_for(
          0, 1'000'000,
          [](int) {
            ::usleep(100);
            ++done;
            ++beats;
          },
          tbb::simple_partitioner{});
    }));
    s.sleep_for(10ms);
    wait_for_beats();
    s.cancel("enough");
  });
  EXPECT_GE(done, 100U);
  EXPECT_LT(done, 900'000U);
  EXPECT_EQ(receipt.outcome, scope_outcome::cancelled);
}

TEST_F(Arena, QueuedWorkIsWithdrawn) {
  runtime rt({}, arena({.threads = 1}));
  const auto receipt = receipt_of(rt, {}, [&](scope& s) {
    s.spawn({.name = "runs"}, offload(in_arena, beat_and_check));
    s.sleep_for(10ms);
    wait_for_beats();
    s.spawn({.name = "waits"}, offload(in_arena, beat_and_check));
    s.sleep_for(5ms);
    s.cancel("enough");
  });
  ASSERT_EQ(receipt.stops.size(), 2U);
  EXPECT_EQ(receipt.stops[0].receipt.method, stop_method::withdrawn);
  EXPECT_EQ(receipt.stops[0].receipt.where, boundary::cooperative);
}

TEST_F(Arena, CleanupsRunAndTheArenaOfATaskIsGivenBack) {
  runtime rt({}, arena({.threads = 2}));
  static std::atomic<int> order{0};
  order = 0;
  rt.run([](scope& s) {
    offload(in_arena, [](worker_context& ctx) {
      ctx.defer([] { order = order * 10 + 1; });
      ctx.defer([] { order = order * 10 + 2; });
      const std::pmr::vector<int> numbers(1000, 1, &ctx.memory());
      return static_cast<int>(numbers.size());
    })(s);
  });
  EXPECT_EQ(order, 21);
}

TEST_F(Arena, RefusesWhatItCannotGive) {
  EXPECT_THROW((void)offload({.boundary = boundary::cooperative, .priority = task_priority::high}, [] {}),
               std::invalid_argument);
  EXPECT_THROW((void)offload(in_arena, [](context&) {}), std::invalid_argument);
  runtime rt;
  EXPECT_THROW(rt.run([](scope& s) { offload(in_arena, [] {})(s); }), start_failed);
}

}  // namespace
}  // namespace workit::test
