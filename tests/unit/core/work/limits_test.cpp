// work(): width, rate limit, time-outs and retries.
#include "sources.hpp"

#include <numeric>
#include <workit/base/event.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

class WorkLimits : public test::runtime_test {
 protected:
  std::vector<int> rows{0, 1, 2, 3, 4};
  test::crowd crowd;
  std::vector<duration> starts;
  std::optional<time_point> began;

  auto noting_starts(duration takes) {
    return [this, takes](context& ctx, int row) {
      if (!began) began = ctx.now();
      starts.push_back(ctx.now() - *began);
      ctx.sleep_for(takes);
      return row;
    };
  }
};

using list = std::vector<duration>;

TEST_F(WorkLimits, RateLimitKeepsStartsApartAndTheWidthBounded) {
  manual_runtime rt;
  rt.run(work(rows).in_parallel(2).rate_limit(100).for_each(noting_starts(1ms)));
  EXPECT_EQ(starts, (list{0ms, 10ms, 20ms, 30ms, 40ms}));
  starts.clear();
  began.reset();
  rt.run(work(rows).in_parallel(2).rate_limit(100).for_each(noting_starts(100ms)));
  EXPECT_EQ(starts, (list{0ms, 10ms, 100ms, 110ms, 200ms})) << "a place has to be free, too";
}

TEST_F(WorkLimits, RateLimitAppliesToEachAttempt) {
  manual_runtime rt;
  rows.resize(1);
  EXPECT_THROW(
      rt.run(
          work(rows).rate_limit(10).retry({.times = 3, .initial_delay = 1ms}).tap(noting_starts(0ms)).for_each([](int) {
            throw std::runtime_error("no");
          })),
      std::runtime_error);
  EXPECT_EQ(starts, (list{0ms, 100ms, 200ms}));
}

TEST_F(WorkLimits, RateLimitHoldsForOneRun) {
  manual_runtime rt;
  auto job = work(rows).rate_limit(0.001).for_each(noting_starts(0ms));
  rows.resize(1);
  rt.run(std::ref(job));
  rt.run(std::ref(job));
  EXPECT_EQ(starts, (list{0ms, 0ms})) << "the second run does not wait for the first";
}

// Five at a time queue for starts a second apart, and give up after 300 ms.
TEST_F(WorkLimits, AnItemThatTimesOutInTheRateLimitDelaysNoOther) {
  manual_runtime rt;
  rows.resize(21);
  std::iota(rows.begin(), rows.end(), 0);
  const auto got = rt.run(work(rows)
                              .in_parallel(5)
                              .rate_limit(1)
                              .timeout(300ms)
                              .on_error(on_error::continue_)
                              .for_each(noting_starts(0ms)));
  EXPECT_EQ(starts, (list{0ms, 1s})) << "turns that are reserved would put the second start off for ever";
  EXPECT_EQ(got.results, (std::vector<int>{0, 16}));
  EXPECT_EQ(got.errors.size(), 19u);
}

TEST_F(WorkLimits, ATinyRateIsNever) {
  manual_runtime rt;
  EXPECT_THROW(rt.run(timeout(100h, work(rows).rate_limit(1e-300).for_each(noting_starts(0ms)))), timed_out);
  EXPECT_EQ(starts, (list{0ms}));
}

TEST_F(WorkLimits, TimeoutCoversAllAttemptsOfAnItem) {
  manual_runtime rt;
  rows.resize(1);
  auto job = work(rows)
                 .retry({.times = 100, .backoff = backoff::fixed, .initial_delay = 10ms, .jitter = false})
                 .timeout(35ms)
                 .tap(noting_starts(0ms))
                 .for_each([](int) { throw std::runtime_error("no"); });
  EXPECT_EQ(test::error_of([&] { rt.run(job); }), "work-item-0 took longer than 35 ms");
  EXPECT_EQ(starts, (list{0ms, 10ms, 20ms, 30ms}));
}

TEST_F(WorkLimits, RetrySucceedsInTheEnd) {
  manual_runtime rt;
  std::vector<unsigned> attempts;
  const auto got = rt.run(work(rows).in_parallel(5).retry({.times = 3}).for_each([&](context& ctx, int row) {
    if (row == 2) attempts.push_back(ctx.attempt());
    if (row == 2 && ctx.attempt() < 3) throw std::runtime_error("not yet");
    return row;
  }));
  EXPECT_EQ(got, rows);
  EXPECT_EQ(attempts, (std::vector<unsigned>{1, 2, 3}));
}

TEST_F(WorkLimits, DeadlineIsOneInstantForAllItems) {
  manual_runtime rt;
  const auto at = rt.clock.now() + 25ms;
  const auto got = rt.run(work(rows).deadline_at(at).on_error(on_error::partial).for_each(crowd.member(10ms)));
  EXPECT_EQ(got.results, (std::vector<int>{0, 1}));
  ASSERT_EQ(got.cancelled.size(), 3u);
  for (const auto& c : got.cancelled) EXPECT_EQ(kind_of(c.why), "deadline");
  EXPECT_EQ(crowd.started, 3) << "past it, nothing begins";
}

TEST_F(WorkLimits, CancellingTheScopeReachesAllItemsAndStartsNoMore) {
  manual_runtime rt;
  EXPECT_THROW(rt.run([&](scope& s) {
    s.spawn([&](context& ctx) {
      ctx.sleep_for(5ms);
      s.cancel("client_disconnected");
    });
    work(rows).in_parallel(3).for_each(crowd.member(1h))(s);
  }),
               scope_cancelled);
  EXPECT_EQ(crowd.started, 3);
  EXPECT_EQ(crowd.active, 0);
  EXPECT_EQ(crowd.heard, (std::vector<std::string>(3, "manual: client_disconnected")));
}

TEST_F(WorkLimits, ItemsChargeTheBudgetsAroundThem) {
  static const budget_key calls{"calls"};
  manual_runtime rt;
  EXPECT_THROW(
      rt.run({.budgets = {{calls, 3}}},
             [&](scope& s) {
               work(rows).on_error(on_error::continue_).for_each([](context& ctx, int) { ctx.consume(calls, 1); })(s);
             }),
      budget_exceeded);
}

TEST_F(WorkLimits, AnItemThatDoesNotAnswerIsReportedAndWaitedFor) {
  manual_runtime rt;
  int complaints = 0;
  const auto count = [&](const lifecycle_event& e) {
    complaints += std::holds_alternative<event::loser_unresponsive>(e.body) ? 1 : 0;
  };
  EXPECT_THROW(rt.run([&](scope& s) {
    s.on_event(count).keep();
    work(rows).in_parallel(2).for_each([](context& ctx, int row) {
      if (row == 0) {
        ctx.sleep_for(1ms);
        throw std::runtime_error("no");
      }
      uncancellable(3500ms, [](context& c) { c.sleep_for(3200ms); })(ctx);
    })(s);
  }),
               std::runtime_error);
  EXPECT_EQ(complaints, 3);
}

// An endless source that never suspends, and stages that do not either: the others have their turns.
TEST_F(WorkLimits, AWideRunStarvesNoOtherTask) {
  manual_runtime rt;
  test::source_log log;
  int turns = 0;
  EXPECT_THROW(rt.run([&](scope& s) {
    s.spawn([&](context& ctx) {
      while (++turns < 50) ctx.yield();
      s.cancel("enough");
    });
    work(test::numbers(log)).in_parallel(1'000'000).for_each([](int) {})(s);
  }),
               scope_cancelled);
  EXPECT_EQ(turns, 50);
  EXPECT_LT(log.produced, 100'000);
  EXPECT_TRUE(log.gone());
}

}  // namespace
}  // namespace workit
