// time_plan: bounds on a composition's time and charges.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <stdexcept>
#include <support/fixture.hpp>
#include <support/seed.hpp>
#include <workit/compose.hpp>
#include <workit/scope/time_plan.hpp>

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

TEST(TimePlan, CountsWhatRetriesAreChargedAndWhetherItIsThere) {
  const budget_key cost("cost", {.unit = "EUR", .digits = 2});
  const auto left = [&](amount spent) { return budget_state{&cost, 1, spent}; };
  const auto plan = [&](std::size_t times, const retry_charge& charges) {
    return time_plan::retry({.times = times, .jitter = false}, time_plan::attempt(1s), charges);
  };
  const auto fits = plan(4, {.each = 0.25, .budget = left(0.25)}).estimate();
  EXPECT_TRUE(fits.valid);
  ASSERT_EQ(fits.charges.size(), 1u);
  EXPECT_EQ(fits.charges[0].key, &cost);
  EXPECT_EQ(fits.charges[0].most, amount(0.75)) << "the first attempt is no retry";
  EXPECT_EQ(fits.charges[0].left, amount(0.75));
  EXPECT_TRUE(fits.findings.empty());

  const auto exceeds = plan(4, {.each = 0.25, .budget = left(0.26)}).estimate();
  EXPECT_FALSE(exceeds.valid);
  EXPECT_EQ(exceeds.findings, findings{plan_finding::retry_budget_exceeded});

  const auto missing = plan(2, {.each = 0.25}).estimate();
  EXPECT_FALSE(missing.valid);
  EXPECT_EQ(missing.findings, findings{plan_finding::retry_budget_missing});
  EXPECT_TRUE(plan(1, {.each = 0.25}).estimate().valid) << "there are no retries to charge";
  EXPECT_THROW(plan(2, {.each = 0.001, .budget = left(0)}), invalid_amount) << "less than a cent";
}

TEST(TimePlan, AddsUpChargesOfItsPartsAndSaysOnceThatTheyAreTooMuch) {
  const budget_key calls("calls"), others("others");
  const auto plan = [](const budget_key& key, std::int64_t limit) {
    return time_plan::retry({.times = 3, .jitter = false}, time_plan::attempt(1s),
                            {.each = 1, .budget = budget_state{&key, limit, 0}});
  };
  const auto together = time_plan::series({plan(calls, 4), plan(others, 2), plan(calls, 4)});
  EXPECT_TRUE(together.estimate().valid);
  ASSERT_EQ(together.estimate().charges.size(), 2u);
  EXPECT_EQ(together.estimate().charges[0].most, amount(4));
  const auto once_more = time_plan::parallel({together, plan(calls, 5)}).estimate();
  EXPECT_FALSE(once_more.valid) << "none of them alone is too much";
  EXPECT_EQ(once_more.findings, findings{plan_finding::retry_budget_exceeded});
  const auto repeated = time_plan::retry({.times = 2, .jitter = false}, plan(calls, 3));
  EXPECT_EQ(repeated.estimate().charges[0].most, amount(4));
  EXPECT_EQ(time_plan::hedge({.after = 1ms, .max = 5}, repeated).estimate().findings,
            findings{plan_finding::retry_budget_exceeded});
  auto deep = plan(calls, 1'000'000);
  for (int i = 0; i < 10; ++i) deep = time_plan::retry({.times = 1000, .jitter = false}, std::move(deep));
  EXPECT_EQ(deep.estimate().charges[0].most, amount(std::numeric_limits<std::int64_t>::max())) << "it saturates";
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
  for (int f = 0; f <= static_cast<int>(plan_finding::retry_budget_exceeded); ++f)
    EXPECT_NE(to_string(static_cast<plan_finding>(f)), "?");
}

// The reference: the composables themselves, on a manual clock, for every combination of failing attempts.
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
  std::int64_t retried = 0;
  const budget_key retries{"retries"};
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
        const std::array shapes{backoff::fixed, backoff::linear, backoff::exponential};
        retry_options options{.times = 1 + draw(3), .backoff = shapes[draw(3)], .jitter = false};
        options.initial_delay = time;
        options.max_delay = 2 * some_time();
        options.before_retry = [this](context&) { ++retried; };
        return {time_plan::retry(options, part.plan, {.each = 1, .budget = budget_state{&retries, 1'000'000, 0}}),
                retry(options, part.run)};
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
  int checked = 0, exactly = 0, charged_exactly = 0;
  // Three hundred trees, and as many more as it takes to have met enough of the kinds below; a
  // bound that is too wide is never met, and the limit ends that.
  while (checked < 300 || (checked < 3000 && (exactly <= 30 || charged_exactly <= 30))) {
    exact = true;
    const auto it = tree(4);
    const auto& e = it.plan.estimate();
    if (e.attempts > 7) continue;
    ++checked;
    duration longest{};
    std::int64_t most_retried = 0;
    const auto planned = e.charges.empty() ? amount() : e.charges[0].most;
    rt.run([&](scope& s) {
      for (fails = 0; fails < std::uint64_t{1} << e.attempts; ++fails) {
        begun = 0;
        retried = 0;
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
        ASSERT_LE(amount(retried), planned) << "seed " << seed << ", failures " << fails;
        most_retried = std::max(most_retried, retried);
        if (fails == 0 && exact) {
          ASSERT_EQ(took, e.critical_path) << "seed " << seed;
        }
      }
    });
    if (most_retried > 0 && amount(most_retried) == planned) ++charged_exactly;
    if (exact) {
      ASSERT_EQ(longest, e.upper_bound) << "seed " << seed << ": the bound is not the least one";
      ++exactly;
    }
  }
  EXPECT_GT(exactly, 30);
  EXPECT_GT(charged_exactly, 30) << "the bound of charges is reached";
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
