// Comparing runs: slower series are reported, noise is not; the rounds tell them apart.
#include <gtest/gtest.h>

#include <algorithm>
#include <report/compare.hpp>
#include <support/seed.hpp>

#include "synthetic_run.hpp"

namespace workit::bench_report {
namespace {

constexpr int trials = 200 / WORKIT_TEST_SLOWNESS;

/// How levels differ between the rounds of a run: standard deviations of the logarithm.
struct drifts {
  double shared = 0.05;  ///< of a round as a whole: the figure's and its floor's
  double own = 0.015;    ///< of each series
};

class Compare : public ::testing::Test {
 protected:
  /// A run with that many series, each beside its floor unless `with_floors` is false.
  run make(int count, drifts d, bool with_floors = true, std::size_t rounds = 5, std::size_t samples = 60) {
    run r{.machines = {test::a_machine()}, .series = {}, .skipped = {}};
    const test::shape shape{.median = 20, .samples = samples};
    std::vector<double> shared(rounds);
    for (double& level : shared) level = synthetic_.drift(d.shared);
    const auto taken = [&](const std::string& name, std::optional<std::string> floor) {
      series s{.name = name, .unit = unit::microseconds, .tags = {}, .floor = std::move(floor), .rounds = {}};
      for (const double level : shared) s.rounds.push_back(synthetic_.round(shape, level * synthetic_.drift(d.own)));
      r.series.push_back(std::move(s));
    };
    for (int i = 0; i < count; ++i) {
      const std::string floor = "floor/" + std::to_string(i);
      if (with_floors) taken(floor, {});
      taken("figure/" + std::to_string(i), with_floors ? std::optional(floor) : std::nullopt);
    }
    return r;
  }

  static void slow_down(run& r, const std::string& name, double by) {
    for (series& s : r.series)
      if (s.name == name)
        for (auto& round : s.rounds)
          for (double& value : round) value *= by;
  }

  /// What is known of a run when it is not known which launch a sample is from.
  void forget_rounds(run& r) {
    for (series& s : r.series) {
      std::vector<double> all;
      for (auto& round : s.rounds) all.insert(all.end(), round.begin(), round.end());
      std::shuffle(all.begin(), all.end(), random_);
      auto next = all.begin();
      for (auto& round : s.rounds)
        for (double& value : round) value = *next++;
    }
  }

  static long flagged(const comparison& c) {
    return std::count_if(c.series.begin(), c.series.end(),
                         [](const auto& s) { return s.finding == finding::regression; });
  }

  const std::uint64_t seed_ = workit::test::seed();
  test::synthetic synthetic_{seed_};
  std::mt19937_64 random_{seed_};
};

TEST_F(Compare, FlagsASlowDownOfOneFifth) {
  int found = 0, others = 0;
  for (int i = 0; i < trials; ++i) {
    const run a = make(20, {}, true, 5, 250);
    run b = make(20, {}, true, 5, 250);
    slow_down(b, "figure/7", 1.2);
    const comparison c = compare(a, b);
    const auto is_slow = [](const compared& s) { return s.series == "figure/7" && s.statistic == statistic::p50; };
    const auto slow = std::find_if(c.series.begin(), c.series.end(), is_slow);
    found += slow->finding == finding::regression ? 1 : 0;
    for (const compared& s : c.series) others += s.series != "figure/7" && s.finding == finding::regression ? 1 : 0;
  }
  std::printf("found %d of %d; %d others flagged\n", found, trials, others);
  EXPECT_GE(found, trials * 95 / 100);
  EXPECT_LE(others, trials / 10) << "5 % of what is flagged may be false";
}

TEST_F(Compare, FlagsNothingWhereNothingChanged) {
  long alarms = 0;
  for (int i = 0; i < trials; ++i) alarms += flagged(compare(make(100, {}), make(100, {})));
  std::printf("%ld alarms in %d comparisons of 100 series\n", alarms, trials);
  EXPECT_LE(alarms, trials / 100) << "of 20,000";
}

/// The control arm: without a floor, and with launches that differ a lot.
TEST_F(Compare, WouldAlarmForNothingIfItDidNotKnowTheRounds) {
  constexpr drifts wild{.shared = 0, .own = 0.12};
  long with_rounds = 0, without = 0;
  for (int i = 0; i < std::max(1, trials / 10); ++i) {
    run a = make(100, wild, false), b = make(100, wild, false);
    with_rounds += flagged(compare(a, b));
    forget_rounds(a);
    forget_rounds(b);
    without += flagged(compare(a, b));
  }
  std::printf("%ld alarms with rounds, %ld without\n", with_rounds, without);
  EXPECT_LE(with_rounds, 1 + trials / 100);
  EXPECT_GT(without, trials / 10);
}

TEST_F(Compare, SaysThatTwoRoundsTellNothingOfNoise) {
  const run a = make(3, {}, true, 2);
  run b = make(3, {}, true, 5);
  slow_down(b, "figure/1", 3);
  const comparison c = compare(a, b);
  ASSERT_EQ(c.series.size(), 3u);
  for (const compared& s : c.series) EXPECT_EQ(s.finding, finding::cannot_tell);
  EXPECT_NE(comparison_text(c, {}).find("measure again with five rounds"), std::string::npos);
}

TEST_F(Compare, BetweenMachinesJudgesOnlyRatios) {
  run a = make(2, {}), b = make(2, {});
  a.series.push_back(synthetic_.make("absolute", {}));
  b.series.push_back(synthetic_.make("absolute", {}));
  b.machines[0].cpu = "another";
  slow_down(b, "absolute", 2);
  slow_down(b, "figure/0", 2);
  const comparison c = compare(a, b);
  EXPECT_TRUE(c.machines_differ);
  EXPECT_EQ(flagged(c), 1);
  EXPECT_EQ(c.series.front().series, "figure/0");
  EXPECT_NE(comparison_text(c, {}).find("The machines differ"), std::string::npos);
  b.machines[0].cpu = a.machines[0].cpu;
  EXPECT_GE(flagged(compare(a, b)), 2) << "on the same machine the other one too";
}

TEST_F(Compare, CountsASlowerStreamAsWorse) {
  run a = make(1, {}), b = make(1, {});
  a.series.push_back(synthetic_.make("stream", {.median = 1e6, .tail = 0}, 0.01, {}, unit::items_per_second));
  b.series.push_back(synthetic_.make("stream", {.median = 0.7e6, .tail = 0}, 0.01, {}, unit::items_per_second));
  EXPECT_GE(flagged(compare(a, b)), 1);
  EXPECT_EQ(flagged(compare(b, a)), 0);
}

TEST_F(Compare, SaysTheSameOfTheSameFiles) {
  const run a = make(5, {}), b = make(5, {});
  EXPECT_EQ(comparison_text(compare(a, b), {}), comparison_text(compare(a, b), {}));
}

}  // namespace
}  // namespace workit::bench_report
