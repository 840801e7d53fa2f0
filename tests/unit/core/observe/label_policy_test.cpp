// label_policy and metric_exporter: listed labels only.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>
#include <support/refused.hpp>
#include <support/seed.hpp>
#include <thread>
#include <workit/observe/metric_exporter.hpp>

namespace workit {
namespace {

using verdict = label_policy::verdict;

label_policy policy() {
  return label_policy({.allowed = {task_kind_label(), {"outcome", {"succeeded", "failed"}}, {"shard", {"1", "true"}}}});
}
verdict of(std::string_view name, double value, fields labels) { return policy().of({name, value, labels}); }

TEST(LabelPolicy, AllowsListedKeysWithListedValuesOnly) {
  EXPECT_EQ(of("workit.task.total", 1, {}), verdict::allowed);
  EXPECT_EQ(of("workit.task.total", 1, {{"task.kind", "cpu"}, {"outcome", "failed"}}), verdict::allowed);
  EXPECT_EQ(of("workit.task.total", 1, {{"shard", 1}}), verdict::allowed) << "as text";
  EXPECT_EQ(of("workit.task.total", 1, {{"shard", true}}), verdict::allowed);
  EXPECT_EQ(of("workit.task.total", 1, {{"shard", 2}}), verdict::unknown_value);
  EXPECT_EQ(of("workit.task.total", 1, {{"task.kind", "evil"}}), verdict::unknown_value);
  EXPECT_EQ(of("workit.task.total", 1, {{"task.kind", "CPU"}}), verdict::unknown_value) << "letter by letter";
  EXPECT_EQ(of("workit.task.total", 1, {{"task.kind", ""}}), verdict::unknown_value);
  for (const auto* key : {"taskKind", "task_kind", "Task.Kind", "task.kind ", "", "taskId", "url", "request.id"})
    EXPECT_EQ(of("workit.task.total", 1, {{key, "cpu"}}), verdict::unknown_key) << key;
  EXPECT_EQ(of("workit.task.total", 1, {{"outcome", "failed"}, {"user", "ada"}}), verdict::unknown_key);
  EXPECT_EQ(of("workit.task.total", 1, {{"outcome", "failed"}, {"outcome", "failed"}}), verdict::repeated_label);
}

TEST(LabelPolicy, AllowsNamesAndNumbersThatMetricsSystemsTake) {
  for (const auto* name : {"a", "_x", ":x", "workit.task-total:9"}) EXPECT_EQ(of(name, 0.5, {}), verdict::allowed);
  for (const auto* name : {"", "9a", ".a", "a b", "a/b", "größe"})
    EXPECT_EQ(of(name, 1, {}), verdict::bad_name) << name;
  EXPECT_EQ(of(std::string(128, 'a'), 1, {}), verdict::allowed);
  EXPECT_EQ(of(std::string(129, 'a'), 1, {}), verdict::bad_name);
  EXPECT_EQ(of("a", std::nan(""), {}), verdict::bad_value);
  EXPECT_EQ(of("a", std::numeric_limits<double>::infinity(), {}), verdict::bad_value);
}

// Random labels never make more series than the policy said.
TEST(LabelPolicy, KnowsTheMostSeriesThereCanBe) {
  const auto seed = test::seed();
  std::mt19937_64 random(seed);
  const label_policy p({.allowed = {{"a", {"1", "2"}}, {"b", {"1", "2", "3"}}}});
  EXPECT_EQ(p.most_series(), 12u);
  std::set<std::string> series, without_a_policy;
  for (int n = 0; n < 20'000; ++n) {
    std::vector<std::string> keys, values;
    for (auto i = random() % 3; i > 0; --i) {
      keys.emplace_back(1, static_cast<char>('a' + random() % 3));
      values.push_back(std::to_string(random() % 5));
    }
    std::vector<field> labels;
    std::map<std::string, std::string> sorted;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      labels.emplace_back(keys[i], values[i]);
      sorted[keys[i]] = values[i];
    }
    std::string name;
    for (const auto& [key, value] : sorted) name += key + value;
    without_a_policy.insert(name);
    if (p.of({"m", 1, labels}) == verdict::allowed) series.insert(name);
  }
  EXPECT_EQ(series.size(), 12u) << "seed " << seed;
  EXPECT_GT(without_a_policy.size(), 12u) << "the control arm";
}

TEST(LabelPolicyDeathTest, RefusesListsThatCannotBe) {
  EXPECT_REFUSED(label_policy({.allowed = {{"2xx", {"1"}}}}), "\"2xx\" is no name of a label");
  EXPECT_REFUSED(label_policy({.allowed = {{"", {"1"}}}}), "\"\" is no name of a label");
  EXPECT_REFUSED(label_policy({.allowed = {{.key = "a"}}}), "\"a\" has no values: list all that it may have");
  EXPECT_REFUSED(label_policy({.allowed = {{"a", {"1"}}, {"a", {"2"}}}}), "\"a\" is listed twice");
  EXPECT_REFUSED(label_policy({.allowed = {{"a", {"1", "2", "1"}}}}), "\"a\" has the value \"1\" twice");
  EXPECT_REFUSED(label_policy({.allowed = {{"a", {std::string(65, 'x')}}}}),
                 "a value of 65 characters; it may have up to 64");
  EXPECT_REFUSED(label_policy({.max_series = 0}), "max_series is 0; it may be 1 or more");
  const std::vector<metric_label> nine{{"a", {"1", "2"}}, {"b", {"1", "2"}}};
  EXPECT_REFUSED(label_policy({.allowed = nine, .max_series = 8}),
                 "with the values of \"b\" a metric could become more than 8 series");
  EXPECT_EQ(label_policy({.allowed = nine, .max_series = 9}).most_series(), 9u);
}

TEST(MetricExporter, CountsWhatItRejectsForEachReason) {
  std::vector<std::string> seen;
  metric_exporter exporter(policy(), [&](const metric_point& p) { seen.emplace_back(p.name); });
  EXPECT_EQ(exporter.record({"good", 1, {{"task.kind", "io"}}}), verdict::allowed);
  EXPECT_EQ(exporter.record({"evil", 1, {{"task.kind", "evil"}}}), verdict::unknown_value);
  EXPECT_EQ(exporter.record({"evil", 1, {{"taskKind", "io"}}}), verdict::unknown_key);
  EXPECT_EQ(exporter.record({"evil", 1, {{"user", "ada"}}}), verdict::unknown_key);
  EXPECT_EQ(exporter.record({"no name", 1, {}}), verdict::bad_name);
  EXPECT_EQ(seen, std::vector<std::string>{"good"});
  EXPECT_EQ(exporter.exported(), 1u);
  EXPECT_EQ(exporter.rejected(), 4u);
  EXPECT_EQ(exporter.rejected(verdict::unknown_key), 2u);
  EXPECT_EQ(exporter.rejected(verdict::unknown_value), 1u);
  EXPECT_EQ(exporter.rejected(verdict::bad_name), 1u);
  EXPECT_EQ(to_string(verdict::unknown_value), "unknown_value");
}

TEST(MetricExporter, CountsWhatItsSinkDoesNotTakeAndThrowsNothing) {
  metric_exporter exporter(policy(), [](const metric_point&) { throw std::runtime_error("no backend"); });
  EXPECT_EQ(exporter.record({"a", 1, {}}), verdict::allowed);
  EXPECT_EQ(exporter.failed(), 1u);
  EXPECT_EQ(exporter.exported(), 0u);
}

TEST(MetricExporter, MayBeUsedByManyThreads) {
  std::atomic<std::uint64_t> seen{0};
  metric_exporter exporter(policy(), [&](const metric_point&) { ++seen; });
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int n = 0; n < 1000; ++n) exporter.record({"a", 1, {{"task.kind", n % 2 == 0 ? "io" : "evil"}}});
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(seen, 2000u);
  EXPECT_EQ(exporter.exported(), 2000u);
  EXPECT_EQ(exporter.rejected(), 2000u);
}

TEST(MetricExporterDeathTest, NeedsASink) {
  EXPECT_DEATH(metric_exporter(policy(), nullptr), "was made without a sink");
}

}  // namespace
}  // namespace workit
