// label_policy and metric_exporter: the labels that may be, and what happens to others.
#include <workit/observe/label_policy.hpp>

#include <cmath>
#include <workit/base/assert.hpp>
#include <workit/base/owned_fields.hpp>
#include <workit/observe/metric_exporter.hpp>

#include <workit/base/detail/check_option.hpp>

namespace workit {
namespace {

constexpr std::size_t longest_name = 128;
constexpr std::size_t longest_value = 64;

bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':'; }

bool is_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > longest_name || !is_letter(name.front())) return false;
  for (const char c : name)
    if (!is_letter(c) && !(c >= '0' && c <= '9') && c != '.' && c != '-') return false;
  return true;
}

}  // namespace

metric_label task_kind_label() {
  metric_label all{.key = "task.kind"};
  for (const auto kind : {task_kind::io, task_kind::llm, task_kind::tool, task_kind::cpu, task_kind::custom})
    all.values.emplace_back(to_string(kind));
  return all;
}

label_policy::label_policy(const label_policy_options& options) {
  const auto max_series = options.max_series;
  WORKIT_CHECK_OPTION(max_series >= 1, "label_policy_options.max_series is 0; it may be 1 or more");
  for (const auto& label : options.allowed) {
    const auto named = "label_policy: \"" + label.key + '"';
    WORKIT_CHECK_OPTION(is_name(label.key), named +
                                                " is no name of a label: a letter, '_' or ':', then those, digits, '.' "
                                                "and '-', 128 at most");
    WORKIT_CHECK_OPTION(!label.values.empty(), named + " has no values: list all that it may have");
    const auto [place, is_new] = allowed_.try_emplace(label.key);
    WORKIT_CHECK_OPTION(is_new, named + " is listed twice");
    for (const auto& value : label.values) {
      WORKIT_CHECK_OPTION(value.size() <= longest_value, named + " has a value of " + std::to_string(value.size()) +
                                                             " characters; it may have up to 64");
      WORKIT_CHECK_OPTION(place->second.insert(value).second, named + " has the value \"" + value + "\" twice");
    }
    const auto choices = place->second.size() + 1;
    WORKIT_CHECK_OPTION(most_series_ <= max_series / choices,
                        "label_policy: with the values of \"" + label.key + "\" a metric could become more than " +
                            std::to_string(max_series) + " series: list fewer, or allow for more with max_series");
    most_series_ *= choices;
  }
}

label_policy::verdict label_policy::of(const metric_point& point) const {
  if (!is_name(point.name)) return verdict::bad_name;
  if (!std::isfinite(point.value)) return verdict::bad_value;
  for (const auto& [key, value] : keep(point.labels)) {
    const auto label = allowed_.find(key);
    if (label == allowed_.end()) return verdict::unknown_key;
    if (!label->second.contains(value)) return verdict::unknown_value;
  }
  for (std::size_t i = 0; i < point.labels.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (point.labels[i].name == point.labels[j].name) return verdict::repeated_label;
  return verdict::allowed;
}

std::string_view to_string(label_policy::verdict v) noexcept {
  switch (v) {
    case label_policy::verdict::allowed:
      return "allowed";
    case label_policy::verdict::bad_name:
      return "bad_name";
    case label_policy::verdict::bad_value:
      return "bad_value";
    case label_policy::verdict::unknown_key:
      return "unknown_key";
    case label_policy::verdict::unknown_value:
      return "unknown_value";
    case label_policy::verdict::repeated_label:
      return "repeated_label";
  }
  return "?";
}

metric_exporter::metric_exporter(label_policy policy, sink to) : policy_(std::move(policy)), to_(std::move(to)) {
  WORKIT_ASSERT(to_ != nullptr, "a metric_exporter was made without a sink: give it something to call");
}

label_policy::verdict metric_exporter::record(const metric_point& point) {
  const auto verdict = policy_.of(point);
  if (verdict != label_policy::verdict::allowed) {
    rejected_[static_cast<std::size_t>(verdict)].fetch_add(1, std::memory_order_relaxed);
    return verdict;
  }
  try {
    to_(point);
    exported_.fetch_add(1, std::memory_order_relaxed);
  } catch (...) {  // a sink cannot change what it measures
    failed_.fetch_add(1, std::memory_order_relaxed);
  }
  return verdict;
}

std::uint64_t metric_exporter::rejected(label_policy::verdict because) const noexcept {
  return rejected_[static_cast<std::size_t>(because)].load(std::memory_order_relaxed);
}

std::uint64_t metric_exporter::rejected() const noexcept {
  std::uint64_t all = 0;
  for (const auto& each : rejected_) all += each.load(std::memory_order_relaxed);
  return all;
}

}  // namespace workit
