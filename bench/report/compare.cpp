// Comparing runs, series by series, and judging all changes together.
#include "compare.hpp"

#include <algorithm>
#include <cmath>

#include "amount.hpp"

namespace workit::bench_report {
namespace {

constexpr double false_share = 0.05;

bool is_judged(const series& s) { return !s.name.starts_with("floor/") && !s.name.starts_with("peer/"); }

/// FNV-1a, so that a series is drawn alike whatever else is in the run.
std::uint64_t seed_of(std::string_view name, statistic what) {
  std::uint64_t hash = 14695981039346656037u + static_cast<std::uint64_t>(what);
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

/// The floor of both, when each run has it.
std::pair<const series*, const series*> floors_of(const run& a, const series& in_a, const run& b, const series& in_b) {
  if (!in_a.floor || in_a.floor != in_b.floor) return {};
  const series *floor_a = a.find(*in_a.floor), *floor_b = b.find(*in_b.floor);
  if (floor_a == nullptr || floor_b == nullptr || floor_a->unit != in_a.unit || floor_b->unit != in_b.unit) return {};
  return {floor_a, floor_b};
}

/// The largest p that is still small enough: the i-th smallest of m has to be at most i / m of the false share.
double threshold(std::vector<double> p) {
  std::sort(p.begin(), p.end());
  for (std::size_t i = p.size(); i > 0; --i)
    if (p[i - 1] <= false_share * static_cast<double>(i) / static_cast<double>(p.size())) return p[i - 1];
  return -1;
}

/// Medians are as noisy as medians, and tails as tails.
void add_certainty(std::vector<compared>& all) {
  for (const statistic what : {statistic::p50, statistic::p99}) {
    std::vector<noise*> noises;
    for (compared& c : all)
      if (c.statistic == what && c.change.noise) noises.push_back(&*c.change.noise);
    borrow(std::move(noises));
  }
  for (compared& c : all) add_certainty(c.change);
}

void judge(std::vector<compared>& all) {
  std::vector<double> worse, better;
  for (const compared& c : all) {
    if (c.finding != finding::none) continue;
    worse.push_back(c.change.p_worse);
    better.push_back(c.change.p_better);
  }
  const double enough_worse = threshold(worse), enough_better = threshold(better);
  for (compared& c : all) {
    if (c.finding != finding::none) continue;
    if (c.change.p_worse <= enough_worse && c.change.sure->low > least_change) c.finding = finding::regression;
    if (c.change.p_better <= enough_better && c.change.sure->high < 1 / least_change) c.finding = finding::improvement;
  }
}

void add_changes(std::vector<compared>& all, const run& a, const series& in_a, const run& b, const series& in_b,
                 bool machines_differ) {
  const auto [floor_a, floor_b] = floors_of(a, in_a, b, in_b);
  for (const statistic what : {statistic::p50, statistic::p99}) {
    const auto c = change_between({&in_a, floor_a}, {&in_b, floor_b}, what, seed_of(in_a.name, what));
    if (!c) continue;
    finding f = c->noise ? finding::none : finding::cannot_tell;
    // Bytes are bytes on any machine.
    if (floor_a == nullptr && machines_differ && in_a.unit != unit::bytes) f = finding::not_judged;
    all.push_back({in_a.name, what, floor_a != nullptr ? floor_a->name : "", in_a.unit, *c, f});
  }
}

std::optional<double> change_of_floors(const run& a, const run& b) {
  std::vector<double> ratios;
  for (const series& s : a.series) {
    const series* other = s.name.starts_with("floor/") ? b.find(s.name) : nullptr;
    if (other == nullptr || other->unit != s.unit) continue;
    if (const auto c = change_between({&s, nullptr}, {other, nullptr}, statistic::p50, 0)) ratios.push_back(c->ratio);
  }
  if (ratios.empty()) return std::nullopt;
  const auto middle = ratios.begin() + static_cast<std::ptrdiff_t>(ratios.size() / 2);
  std::nth_element(ratios.begin(), middle, ratios.end());
  return *middle;
}

std::vector<std::string> names_only_in(const run& r, const run& other) {
  std::vector<std::string> names;
  for (const series& s : r.series)
    if (is_judged(s) && other.find(s.name) == nullptr) names.push_back(s.name);
  return names;
}

}  // namespace

bool comparison::has_regression() const {
  return std::any_of(series.begin(), series.end(), [](const auto& c) { return c.finding == finding::regression; });
}

comparison compare(const run& a, const run& b) {
  comparison c;
  for (const machine& m : b.machines)
    if (!m.like(a.machines.front())) c.machines_differ = true;
  for (const series& s : a.series) {
    const series* other = is_judged(s) ? b.find(s.name) : nullptr;
    if (other == nullptr) continue;
    if (s.unit != other->unit)
      throw bad_input("series \"" + s.name + "\" is in " + std::string(to_string(s.unit)) + " in A and in " +
                      std::string(to_string(other->unit)) + " in B: these runs cannot be compared");
    add_changes(c.series, a, s, b, *other, c.machines_differ);
  }
  add_certainty(c.series);
  judge(c.series);
  std::stable_sort(c.series.begin(), c.series.end(),
                   [](const compared& x, const compared& y) { return x.finding < y.finding; });
  c.floors = change_of_floors(a, b);
  c.only_in_a = names_only_in(a, b);
  c.only_in_b = names_only_in(b, a);
  c.about_a = machine_facts(a);
  c.about_b = machine_facts(b);
  return c;
}

}  // namespace workit::bench_report
