// Writing a comparison down, for people and for programs.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "amount.hpp"
#include "compare.hpp"

namespace workit::bench_report {
namespace {

using nlohmann::json;

constexpr finding in_order[] = {finding::regression, finding::improvement, finding::none, finding::cannot_tell,
                                finding::not_judged};

std::size_t count(const comparison& c, finding f) {
  return static_cast<std::size_t>(
      std::count_if(c.series.begin(), c.series.end(), [&](const compared& s) { return s.finding == f; }));
}

std::string explained(finding f) {
  switch (f) {
    case finding::cannot_tell:
      return ": fewer than " + std::to_string(rounds_needed) +
             " rounds say nothing of noise; measure again with five rounds each";
    case finding::not_judged:
      return ": no floor between machines that differ";
    default:
      return "";
  }
}

std::string section(const comparison& c, finding f, const ink& colours) {
  text_table t({"series", "", "A", "B", "B / A", "95 % interval"});
  for (const compared& s : c.series) {
    if (s.finding != f) continue;
    const auto shown = [&](double value) { return s.floor.empty() ? amount(value, s.unit) : times(value); };
    const auto& sure = s.change.sure;
    t.add({s.series, std::string(to_string(s.statistic)), shown(s.change.a), shown(s.change.b),
           three_digits(s.change.ratio),
           sure ? three_digits(sure->low) + " to " + three_digits(sure->high) : std::string("-")});
  }
  const std::string& colour = f == finding::regression ? colours.alarm : colours.strong;
  return '\n' + colour + std::string(to_string(f)) + " (" + std::to_string(count(c, f)) + ")" + explained(f) +
         colours.plain + '\n' + t.print(colours);
}

std::string missing(const std::vector<std::string>& names, const std::string& where) {
  if (names.empty()) return "";
  std::string text = "\nonly in " + where + " (" + std::to_string(names.size()) + ")\n";
  for (const auto& name : names) text += "  " + name + '\n';
  return text;
}

}  // namespace

std::string_view to_string(finding f) noexcept {
  switch (f) {
    case finding::regression:
      return "REGRESSION";
    case finding::improvement:
      return "improvement";
    case finding::none:
      return "no change beyond noise";
    case finding::cannot_tell:
      return "cannot tell";
    case finding::not_judged:
      return "not judged";
  }
  return "";
}

std::string comparison_text(const comparison& c, const ink& colours) {
  std::string text = "A: " + wrapped(c.about_a) + "B: " + wrapped(c.about_b);
  if (c.machines_differ)
    text += colours.strong + "The machines differ: only ratios to the floors can be compared." + colours.plain + '\n';
  if (c.floors) text += "The floors themselves: B is " + times(*c.floors) + " of A (median of their p50).\n";
  text += "A and B below are times the floor, or the figure itself with its unit where there is none.\n";
  text += "Above 1 is worse. Less than " + without_trailing_zeros(three_digits((least_change - 1) * 100)) +
          " % is no change.\n";
  for (const finding f : in_order)
    if (count(c, f) > 0) text += section(c, f, colours);
  text += missing(c.only_in_a, "A") + missing(c.only_in_b, "B");
  if (count(c, finding::regression) > 0) return text;
  const bool any = count(c, finding::none) + count(c, finding::improvement) > 0;
  return text + (any ? "\nNo regression.\n" : "\nNothing could be judged.\n");
}

json comparison_json(const comparison& c) {
  json out = {
      {"machine_a", c.about_a},       {"machine_b", c.about_b},           {"machines_differ", c.machines_differ},
      {"least_change", least_change}, {"regression", c.has_regression()}, {"series", json::array()},
      {"only_in_a", c.only_in_a},     {"only_in_b", c.only_in_b}};
  if (c.floors) out["floors"] = *c.floors;
  for (const compared& s : c.series) {
    json one = {{"name", s.series},
                {"statistic", to_string(s.statistic)},
                {"a", s.change.a},
                {"b", s.change.b},
                {"change", s.change.ratio},
                {"finding", to_string(s.finding)},
                {"unit", s.floor.empty() ? to_string(s.unit) : "times the floor"}};
    if (!s.floor.empty()) one["floor"] = s.floor;
    if (s.change.sure)
      one.update({{"low", s.change.sure->low}, {"high", s.change.sure->high}, {"p_worse", s.change.p_worse}});
    out["series"].push_back(std::move(one));
  }
  return out;
}

}  // namespace workit::bench_report
