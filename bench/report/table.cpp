// Writing a run down, for people and for programs.
#include "table.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "amount.hpp"
#include "judge.hpp"

namespace workit::bench_report {
namespace {

using nlohmann::json;

constexpr statistic shown_statistics[] = {statistic::p50, statistic::p90, statistic::p99, statistic::p999,
                                          statistic::worst};

std::optional<double> ratio_to_floor(const run& r, const series& s, statistic what) {
  const series* floor = s.floor ? r.find(*s.floor) : nullptr;
  if (floor == nullptr || floor->unit != s.unit) return std::nullopt;
  const auto mine = distribution(s).at(what), its = distribution(*floor).at(what);
  if (!mine || !its || *its == 0 || *mine == 0) return std::nullopt;
  return more_is_better(s.unit) ? *its / *mine : *mine / *its;
}

/// "stop/process" of "stop/process/spin/0MiB/idle/stopped": what the series are grouped by, at most two parts.
std::string group_of(const std::string& name) {
  const auto first = name.find('/');
  if (first == std::string::npos) return name;
  const auto second = name.find('/', first + 1);
  return name.substr(0, second == std::string::npos ? first : second);
}

std::string targets_text(const std::vector<judgement>& rows, const ink& colours) {
  text_table measured({"target", "", "figure", "beside", "ratio", "target", "verdict"});
  std::string absent;
  std::vector<std::size_t> count(3);
  for (const judgement& j : rows) {
    ++count[static_cast<std::size_t>(j.verdict)];
    const std::string what(to_string(j.statistic)), verdict(to_string(j.verdict));
    if (j.verdict == verdict::not_measured)
      absent += "  " + j.title + ", " + what + "\n    " + j.why + '\n';
    else
      measured.add({j.title, what, j.figure, j.beside_figure, j.ratio, j.target, verdict},
                   j.verdict == verdict::falls_short ? colours.alarm : "");
  }
  std::string text = std::to_string(rows.size()) + " targets: " + std::to_string(count[0]) + " fall short, " +
                     std::to_string(count[1]) + " hold, " + std::to_string(count[2]) + " not measured\n\n";
  if (count[0] + count[1] > 0) text += measured.print(colours);
  if (count[2] > 0) text += "\nnot measured, and why\n" + absent;
  return text;
}

std::vector<std::string> cells_of(const run& r, const series& s, std::string name) {
  const distribution samples(s);
  std::vector<std::string> cells = {std::move(name), std::to_string(samples.size())};
  for (const statistic what : shown_statistics) {
    const auto value = samples.at(what);
    cells.push_back(value ? amount(*value, s.unit) : "-");
  }
  for (const statistic what : {statistic::p50, statistic::p99}) {
    const auto ratio = ratio_to_floor(r, s, what);
    cells.push_back(ratio ? three_digits(*ratio) : "-");
  }
  return cells;
}

std::string series_text(const run& r, const ink& colours) {
  text_table t({"series", "n", "p50", "p90", "p99", "p99.9", "max", "x p50", "x p99"});
  std::vector<std::pair<std::string, std::vector<const series*>>> groups;
  for (const series& s : r.series) {
    const auto same = [&](const auto& g) { return g.first == group_of(s.name); };
    auto found = std::find_if(groups.begin(), groups.end(), same);
    if (found == groups.end()) found = groups.insert(groups.end(), {group_of(s.name), {}});
    found->second.push_back(&s);
  }
  for (const auto& [group, members] : groups) {
    const bool alone = members.size() == 1;
    if (!alone) t.add({group}, colours.strong);
    for (const series* s : members) t.add(cells_of(r, *s, alone ? s->name : "  " + s->name.substr(group.size() + 1)));
  }
  return t.print(colours) + "x: times its floor, above 1 is worse. Where more is better, p99 is what 99 % exceed.\n";
}

json to_json(const judgement& j) {
  json one = {{"title", j.title},
              {"series", j.series},
              {"statistic", to_string(j.statistic)},
              {"target", j.target},
              {"verdict", to_string(j.verdict)}};
  if (!j.beside.empty()) one["beside"] = j.beside;
  if (j.verdict == verdict::not_measured) {
    one["why"] = j.why;
    return one;
  }
  one["unit"] = j.unit;
  one["figure"] = j.figure_value;
  one[j.beside.empty() ? "limit" : "beside_figure"] = j.beside_value;
  one["ratio"] = j.ratio;
  one["used"] = j.used;
  return one;
}

json to_json(const run& r, const series& s) {
  const distribution samples(s);
  json one = {{"name", s.name}, {"unit", to_string(s.unit)}, {"n", samples.size()}, {"rounds", s.rounds.size()}};
  for (const statistic what : shown_statistics)
    if (const auto value = samples.at(what)) one[std::string(to_string(what))] = *value;
  if (s.floor) one["floor"] = *s.floor;
  for (const statistic what : {statistic::p50, statistic::p99})
    if (const auto ratio = ratio_to_floor(r, s, what)) one["ratio_" + std::string(to_string(what))] = *ratio;
  return one;
}

}  // namespace

std::string table(const run& r, bool all, const ink& colours) {
  std::string text = wrapped(machine_facts(r)) + '\n' + targets_text(judge(r), colours);
  if (all) text += '\n' + series_text(r, colours);
  return text;
}

json machines_json(const run& r) {
  json all = json::array();
  for (const machine& m : r.machines)
    all.push_back({{"cpu", m.cpu},
                   {"cpus", m.cpus},
                   {"kernel", m.kernel},
                   {"compiler", m.compiler},
                   {"build", m.build},
                   {"load_before", m.load_before},
                   {"load_after", m.load_after},
                   {"began", m.began}});
  return all;
}

json table_json(const run& r, bool all) {
  json out = {{"machine", machines_json(r)}, {"targets", json::array()}};
  for (const judgement& j : judge(r)) out["targets"].push_back(to_json(j));
  if (!all) return out;
  out["series"] = json::array();
  for (const series& s : r.series) out["series"].push_back(to_json(r, s));
  return out;
}

}  // namespace workit::bench_report
