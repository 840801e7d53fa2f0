// Percentiles, targets and what a run is judged to be.
#include <gtest/gtest.h>

#include <algorithm>
#include <report/amount.hpp>
#include <report/judge.hpp>
#include <report/peers.hpp>
#include <report/table.hpp>
#include <sstream>

#include "example_run.hpp"

namespace workit::bench_report {
namespace {

series counted(std::size_t n, unit in) {
  series s{.name = "s", .unit = in, .tags = {}, .floor = {}, .rounds = {{}}};
  for (std::size_t i = 1; i <= n; ++i) s.rounds[0].push_back(static_cast<double>(i));
  return s;
}

/// The first row of that series.
judgement row_of(const run& r, const std::string& series, statistic what = statistic::p50) {
  for (const judgement& j : judge(r))
    if (j.series == series && j.statistic == what) return j;
  ADD_FAILURE() << "no target is about " << series;
  return {};
}

series& the(run& r, const std::string& name) {
  return *std::find_if(r.series.begin(), r.series.end(), [&](const auto& s) { return s.name == name; });
}

void scale(series& s, double by) {
  for (auto& round : s.rounds)
    for (double& value : round) value *= by;
}

TEST(Distribution, IsByNearestRankAndSaysNothingOfTooFewSamples) {
  const distribution of_100(counted(100, unit::microseconds));
  EXPECT_EQ(of_100.at(statistic::p50), 50);
  EXPECT_EQ(of_100.at(statistic::p99), 99);
  EXPECT_EQ(of_100.at(statistic::p999), std::nullopt);
  EXPECT_EQ(of_100.at(statistic::worst), 100);
  EXPECT_EQ(distribution(counted(99, unit::microseconds)).at(statistic::p99), std::nullopt);
  EXPECT_EQ(distribution(counted(300, unit::microseconds)).at(statistic::p99), 297);
  EXPECT_EQ(distribution(counted(100, unit::items_per_second)).at(statistic::p99), 2) << "what 99 % reach";
}

TEST(Amount, HasThreeDigitsAndAUnit) {
  EXPECT_EQ(amount(14.44, unit::microseconds), "14.4 us");
  EXPECT_EQ(amount(999.7, unit::microseconds), "1.00 ms");
  EXPECT_EQ(amount(0.5, unit::microseconds), "500 ns");
  EXPECT_EQ(amount(256, unit::bytes), "256 B");
  EXPECT_EQ(without_trailing_zeros("5.00 ms"), "5 ms");
  EXPECT_EQ(without_trailing_zeros("1.50 x"), "1.5 x");
  EXPECT_EQ(without_trailing_zeros("100 us"), "100 us");
}

TEST(Targets, AreOneForEachAlternative) {
  EXPECT_EQ(expand("kick/{a,b}/next"), (std::vector<std::string>{"kick/a/next", "kick/b/next"}));
  EXPECT_EQ(expand("plain"), std::vector<std::string>{"plain"});
  for (const target& t : all_targets())
    EXPECT_EQ(t.title.find("{}") != std::string::npos, t.bound.is == bound::kind::peers) << t.title;
}

TEST(Judge, TurnsWhenTheFigureCrossesItsTarget) {
  run r = test::example_run(1);
  const std::string stopped = "stop/process/spin/0MiB/idle/stopped", cost = "cost/malloc_free/interposed";
  EXPECT_EQ(row_of(r, stopped).verdict, verdict::holds);
  EXPECT_EQ(row_of(r, cost).verdict, verdict::falls_short);
  EXPECT_EQ(judge(r).front().verdict, verdict::falls_short) << "those come first";
  scale(the(r, stopped), 4);
  scale(the(r, cost), 0.75);
  EXPECT_EQ(row_of(r, stopped).verdict, verdict::falls_short);
  EXPECT_GT(row_of(r, stopped).used, 1);
  EXPECT_EQ(row_of(r, cost).verdict, verdict::holds);
}

TEST(Judge, SaysWhyAFigureIsNotThere) {
  run r = test::example_run(1);
  std::erase_if(r.series, [](const series& s) { return s.name == "floor/futex_wake" || s.name == "core/check"; });
  r.skipped.push_back({"core", "no time"});
  the(r, "refused/next").rounds = {std::vector<double>(99, 1.0)};
  EXPECT_EQ(row_of(r, "stop/process/spin/0MiB/idle/start").why, "the run has no series floor/futex_wake");
  EXPECT_EQ(row_of(r, "core/check").why, "no time");
  EXPECT_EQ(row_of(r, "refused/next", statistic::p99).why, "refused/next has 99 samples; p99 needs 100");
  EXPECT_EQ(row_of(r, "refused/next").verdict, verdict::holds);
}

TEST(Judge, CountsAPeerFromWhereItsVictimStood) {
  run r = test::example_run(1);
  const auto piscina = [&] {
    const auto peers = peers_of(r);
    return *std::find_if(peers.begin(), peers.end(), [](const peer& p) { return p.name == "piscina"; });
  };
  EXPECT_TRUE(piscina().only_stopped_waiting);
  EXPECT_EQ(piscina().stopped, r.find("peer/piscina/last_instruction"));
  scale(the(r, "peer/piscina/caller_resumed"), 10);
  EXPECT_FALSE(piscina().only_stopped_waiting);
  EXPECT_EQ(piscina().stopped, r.find("peer/piscina/caller_resumed"));
}

TEST(Judge, HasARowForEveryPeerThatStopsNativeCode) {
  run r = test::example_run(1);
  const auto count = [&] {
    const auto rows = judge(r);
    return std::count_if(rows.begin(), rows.end(),
                         [](const judgement& j) { return j.beside.starts_with("peer/") && j.target == ">= 10 x"; });
  };
  EXPECT_EQ(count(), 3);
  scale(the(r, "peer/multiprocessing/caller_resumed"), 0.01);
  scale(the(r, "peer/multiprocessing/last_instruction"), 0.01);
  EXPECT_EQ(judge(r).front().verdict, verdict::falls_short);
  std::erase_if(r.series, [](const series& s) { return s.tag("subject") == "peer"; });
  EXPECT_EQ(count(), 0);
}

TEST(Judge, SeesAStopThatGrowsWithMemory) {
  run r = test::example_run(1);
  const std::string group = "stop/process/spin/{0,64,1024}MiB/idle/stopped";
  EXPECT_EQ(row_of(r, group).verdict, verdict::holds);
  scale(the(r, "stop/process/spin/1024MiB/idle/stopped"), 1000);
  EXPECT_EQ(row_of(r, group).verdict, verdict::falls_short);
  EXPECT_NEAR(slope_us_per_gib(r, group), 21000, 3000);
}

TEST(Table, FitsThePageAndIsPlainWithoutATerminal) {
  std::istringstream lines(table(test::example_run(1), true, {}));
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(width(line), page_width) << line;
    EXPECT_EQ(line.find('\033'), std::string::npos);
  }
}

}  // namespace
}  // namespace workit::bench_report
