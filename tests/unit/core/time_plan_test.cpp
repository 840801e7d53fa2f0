#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <stdexcept>
#include <support/fixture.hpp>
#include <support/seed.hpp>
#include <workit/compose.hpp>
#include <workit/time_plan.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using findings = std::vector<plan_finding>;

TEST(TimePlan, AddsUpASeriesAndTakesTheLongestOfAParallel) {
  const auto e =
      time_plan::series({time_plan::attempt(1s), time_plan::parallel({time_plan::attempt(2s), time_plan::attempt(3s)})})
          .estimate();
  EXPECT_TRUE(e.valid);
  EXPECT_EQ(e.upper_bound, 4s);
  EXPECT_EQ(e.critical_path, 4s);
  EXPECT_EQ(e.work, 6s);
  EXPECT_EQ(e.attempts, 3u);
  EXPECT_TRUE(e.findings.empty());
}

TEST(TimePlan, CountsTheDelaysOfARetry) {
  const auto e = time_plan::retry({.times = 4, .initial_delay = 100ms, .max_delay = 300ms, .jitter = false},
                                  time_plan::attempt(1s))
                     .estimate();
  EXPECT_EQ(e.upper_bound, 4s + 100ms + 200ms + 300ms);
  EXPECT_EQ(e.critical_path, 1s);
  EXPECT_EQ(e.attempts, 4u);
  EXPECT_EQ(time_plan::retry({.times = 2}, time_plan::attempt(1s)).estimate().findings,
            findings{plan_finding::jitter_upper_bound});
  const auto dynamic =
      time_plan::retry(
          {.times = 3, .backoff = [](std::size_t) { return duration(1); }, .max_delay = 10s, .jitter = false},
          time_plan::attempt(1s))
          .estimate();
  EXPECT_EQ(dynamic.upper_bound, 3s + 20s);
  EXPECT_EQ(dynamic.findings, findings{plan_finding::dynamic_backoff});
}

TEST(TimePlan, CountsTheStartsOfAHedge) {
  EXPECT_EQ(time_plan::hedge({.after = 50ms, .max = 3}, time_plan::attempt(200ms)).estimate().upper_bound, 300ms);
  EXPECT_EQ(time_plan::hedge({.after = 50ms, .max = 3}, time_plan::attempt(20ms)).estimate().upper_bound, 60ms)
      << "a failure brings the next attempt forward";
}

TEST(TimePlan, SaysWhatATimeoutMayCutOff) {
  const auto of = [](time_plan p) { return time_plan::timeout(1s, std::move(p)).estimate(); };
  EXPECT_TRUE(of(time_plan::attempt(1s)).findings.empty());
  EXPECT_EQ(of(time_plan::attempt(2s)).findings, findings{plan_finding::time_exceeds_timeout});
  EXPECT_EQ(of(time_plan::attempt(2s)).upper_bound, 1s);
  EXPECT_EQ(of(time_plan::retry({.times = 2, .jitter = false}, time_plan::attempt(1s))).findings,
            findings{plan_finding::retry_exceeds_timeout});
  EXPECT_EQ(of(time_plan::hedge({.after = 1s, .max = 2}, time_plan::attempt(1s))).findings,
            findings{plan_finding::hedge_exceeds_timeout});
}

TEST(TimePlan, IsNotValidWhenADeadlinePassesThoughNothingFails) {
  const auto late = time_plan::deadline(1s, time_plan::attempt(2s)).estimate();
  EXPECT_FALSE(late.valid);
  EXPECT_EQ(late.findings, findings{plan_finding::deadline_infeasible});
  EXPECT_TRUE(time_plan::deadline(1s, time_plan::retry({.times = 9}, time_plan::attempt(1s))).estimate().valid);
  EXPECT_FALSE(time_plan::series({time_plan::deadline(-1s, time_plan::attempt(1s))}).estimate().valid);
}

TEST(TimePlan, FindsNothingInNothing) {
  EXPECT_EQ(time_plan::series({}).estimate().findings, findings{plan_finding::empty_composition});
  EXPECT_EQ(time_plan::parallel({}).estimate().upper_bound, 0s);
}

TEST(TimePlan, Saturates) {
  auto p = time_plan::attempt(24h * 365);
  for (int i = 0; i < 10; ++i) p = time_plan::retry({.times = 1000}, std::move(p));
  EXPECT_EQ(p.estimate().upper_bound, duration::max());
  EXPECT_EQ(p.estimate().attempts, std::numeric_limits<std::uint64_t>::max());
}

TEST(TimePlan, HasAWordForEveryFinding) {
  for (int f = 0; f <= static_cast<int>(plan_finding::empty_composition); ++f)
    EXPECT_NE(to_string(static_cast<plan_finding>(f)), "?");
}

// The truth: the composables themselves, on a manual clock, for every combination of failing attempts.
class TimePlanTruth : public test::runtime_test {
 protected:
  using function = std::function<void(context&)>;
  struct both {
    time_plan plan;
    function run;
  };

  std::mt19937_64 random;
  std::uint64_t fails = 0;  // bit n: the n-th attempt to begin fails
  std::size_t begun = 0;
  bool exact = true;  // whether some combination takes as long as the bound says

  std::uint64_t draw(std::uint64_t below) { return random() % below; }
  duration some_time() { return std::chrono::milliseconds(1 + draw(50)); }

  both tree(int depth) {
    const auto kind = depth == 0 ? 0 : draw(7);
    if (kind == 0) {
      const auto takes = some_time();
      return {time_plan::attempt(takes), [this, takes](context& ctx) {
                const bool bad = (fails >> begun++ & 1) != 0;
                ctx.sleep_for(takes);
                if (bad) throw std::runtime_error("attempt");
              }};
    }
    if (kind <= 2) {
      auto a = tree(depth - 1), b = tree(depth - 1);
      std::vector<time_plan> plans{a.plan, b.plan};
      std::vector<function> parts{a.run, b.run};
      if (kind == 1) return {time_plan::series(plans), series(std::move(parts))};
      return {time_plan::parallel(plans), all(std::move(parts))};
    }
    auto part = tree(depth - 1);
    const auto time = some_time();
    switch (kind) {
      case 3: {
        const retry_options options{.times = 1 + draw(3), .initial_delay = time, .jitter = false};
        return {time_plan::retry(options, part.plan), retry(options, part.run)};
      }
      case 4: {
        exact = false;
        const hedge_options options{.after = time, .max = 1 + draw(3)};
        return {time_plan::hedge(options, part.plan), hedge(options, part.run)};
      }
      case 5:
        exact = false;
        return {time_plan::timeout(time, part.plan), timeout(time, part.run)};
      default:
        exact = false;
        return {time_plan::deadline(time, part.plan),
                [time, run = part.run](context& ctx) { deadline_at(ctx.now() + time, run)(ctx); }};
    }
  }
};

TEST_F(TimePlanTruth, NoCompositionTakesLongerThanItsPlanSays) {
  const auto seed = test::seed();
  random.seed(seed);
  test::manual_runtime rt;
  int checked = 0, exactly = 0;
  while (checked < 300) {
    exact = true;
    const auto it = tree(4);
    const auto& e = it.plan.estimate();
    if (e.attempts > 7) continue;
    ++checked;
    duration longest{};
    rt.run([&](scope& s) {
      for (fails = 0; fails < std::uint64_t{1} << e.attempts; ++fails) {
        begun = 0;
        const auto start = s.now();
        try {
          auto run = it.run;
          run(s);
        } catch (const std::exception&) {
        }
        const auto took = s.now() - start;
        longest = std::max(longest, took);
        ASSERT_LE(took, e.upper_bound) << "seed " << seed << ", failures " << fails;
        ASSERT_LE(begun, e.attempts) << "seed " << seed << ", failures " << fails;
        if (fails == 0 && exact) {
          ASSERT_EQ(took, e.critical_path) << "seed " << seed;
        }
      }
    });
    if (exact) {
      ASSERT_EQ(longest, e.upper_bound) << "seed " << seed << ": the bound is not the least one";
      ++exactly;
    }
  }
  EXPECT_GT(exactly, 30);
}

TEST(TimePlanDeathTest, RefusesWhatCannotBe) {
  EXPECT_DEATH((void)time_plan::attempt(-1s), "cannot take less than no time");
  EXPECT_DEATH((void)time_plan::timeout(0s, time_plan::attempt(1s)), "has to be more than zero");
  EXPECT_DEATH(
      {
        auto p = time_plan::attempt(1s);
        for (int i = 0; i < 64; ++i) p = time_plan::series({p});
      },
      "64 deep at most");
}

}  // namespace
}  // namespace workit
