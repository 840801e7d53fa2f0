// Judging a run by the targets, one kind of bound after another.
#include "judge.hpp"

#include <algorithm>

#include "amount.hpp"
#include "peers.hpp"

namespace workit::bench_report {
namespace {

/// Why there is no figure; caught where the row is made.
struct not_there {
  std::string why;
};

const series& the(const run& r, std::string_view name) {
  const series* s = r.find(name);
  if (s == nullptr) throw not_there{r.why_absent(name)};
  return *s;
}

double figure(const series& s, statistic what) {
  const distribution samples(s);
  const auto value = samples.at(what);
  if (!value)
    throw not_there{s.name + " has " + std::to_string(samples.size()) + " samples; " + std::string(to_string(what)) +
                    " needs " + std::to_string(samples_needed(what))};
  return *value;
}

/// The second series' figure in the first one's unit.
double in_unit_of(const series& s, double value, unit of) {
  if (s.unit == of) return value;
  if (s.unit == unit::nanoseconds && of == unit::microseconds) return value / 1000;
  if (s.unit == unit::microseconds && of == unit::nanoseconds) return value * 1000;
  throw not_there{s.name + " is in " + std::string(to_string(s.unit)) + ", not in " + std::string(to_string(of))};
}

double in_unit_of(unit from, double value, const series& of) {
  const series limit{.name = "the limit", .unit = from, .tags = {}, .floor = {}, .rounds = {}};
  return in_unit_of(limit, value, of.unit);
}

/// Where less is better the ratio is what it is; where more is better it is turned round, so that above 1 is worse.
double worse_by(unit u, double value, double beside) { return more_is_better(u) ? beside / value : value / beside; }

void state(judgement& row, const series& s, double value, double beside) {
  row.unit = to_string(s.unit);
  row.figure_value = value;
  row.beside_value = beside;
  row.figure = amount(value, s.unit);
  row.beside_figure = amount(beside, s.unit);
}

void conclude(judgement& row, double used, bool holds) {
  row.used = used;
  row.verdict = holds ? verdict::holds : verdict::falls_short;
}

void judge_one(const run& r, const target& t, judgement& row) {
  const series& s = the(r, t.series);
  const double value = figure(s, t.statistic);
  if (t.bound.is == bound::kind::within) {
    const double limit = in_unit_of(t.bound.in, t.bound.limit, s);
    state(row, s, value, limit);
    row.beside_figure = without_trailing_zeros(row.beside_figure);
    const double ratio = worse_by(s.unit, value, limit);
    row.ratio = times(ratio);
    return conclude(row, ratio, ratio <= 1);
  }
  const series& other = the(r, t.bound.series);
  const double beside = in_unit_of(other, figure(other, t.statistic), s.unit);
  state(row, s, value, beside);
  if (t.bound.is == bound::kind::plus) {
    const double limit = in_unit_of(t.bound.in, t.bound.limit, s), more = value - beside;
    row.ratio = (more < 0 ? "" : "+") + amount(more, s.unit);
    return conclude(row, std::max(0.0, more / limit), more <= limit);
  }
  const double ratio = worse_by(s.unit, value, beside);
  row.ratio = times(ratio);
  conclude(row, ratio / t.bound.limit, t.bound.is == bound::kind::below ? ratio < 1 : ratio <= t.bound.limit);
}

void judge_slope(const run& r, const target& t, judgement& row) {
  for (const auto& group : {t.series, t.bound.series})
    for (const auto& name : expand(group)) static_cast<void>(figure(the(r, name), t.statistic));
  const double ours = slope_us_per_gib(r, t.series), theirs = slope_us_per_gib(r, t.bound.series);
  row.unit = "us/GiB";
  row.figure_value = ours;
  row.beside_value = theirs;
  row.figure = amount(ours, unit::microseconds);
  row.beside_figure = amount(theirs, unit::microseconds);
  if (theirs <= 0) throw not_there{"what it is held against does not rise with memory here"};
  row.ratio = times(ours / theirs);
  conclude(row, std::max(0.0, ours / theirs / t.bound.limit), ours <= t.bound.limit * theirs);
}

/// A peer may have been faster: then it falls short, and is seen.
void judge_peer(const run& r, const target& t, const peer& p, judgement& row) {
  const series& s = the(r, t.series);
  const double value = figure(s, t.statistic), beside = in_unit_of(*p.stopped, figure(*p.stopped, t.statistic), s.unit);
  state(row, s, value, beside);
  row.beside = p.stopped->name;
  row.ratio = times(beside / value);
  conclude(row, t.bound.limit * value / beside, beside >= t.bound.limit * value);
}

std::string stated(const bound& b) {
  const std::string ratio = without_trailing_zeros(times(b.limit)),
                    limit = without_trailing_zeros(amount(b.limit, b.in));
  switch (b.is) {
    case bound::kind::times:
    case bound::kind::slope:
      return "<= " + ratio;
    case bound::kind::within:
      return "<= " + limit;
    case bound::kind::plus:
      return "<= +" + limit;
    case bound::kind::below:
      return "< " + ratio;
    case bound::kind::peers:
      return ">= " + ratio;
  }
  return "";
}

judgement blank(const target& t) {
  judgement row;
  row.title = t.title;
  row.series = t.series;
  row.statistic = t.statistic;
  row.beside = t.bound.series;
  row.target = stated(t.bound);
  return row;
}

template <class Judge>
judgement judged(judgement row, Judge&& fill) {
  try {
    fill(row);
  } catch (const not_there& absent) {
    row.verdict = verdict::not_measured;
    row.why = absent.why;
  }
  return row;
}

void judge_peers(const run& r, const target& t, std::vector<judgement>& rows) {
  const auto named = [&](const std::string& peer) {
    judgement row = blank(t);
    row.title.replace(row.title.find("{}"), 2, peer);
    return row;
  };
  const std::size_t before = rows.size();
  for (const peer& p : peers_of(r))
    if (p.stops == "native") rows.push_back(judged(named(p.name), [&](judgement& row) { judge_peer(r, t, p, row); }));
  if (rows.size() > before) return;
  rows.push_back(judged(named("every peer"), [&](judgement&) {
    throw not_there{"the run has no peer that stops native code; ./dev bench --peers measures them"};
  }));
}

}  // namespace

std::string_view to_string(verdict v) noexcept {
  switch (v) {
    case verdict::falls_short:
      return "FALLS SHORT";
    case verdict::holds:
      return "holds";
    case verdict::not_measured:
      return "not measured";
  }
  return "";
}

double slope_us_per_gib(const run& r, std::string_view group) {
  double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (const auto& name : expand(group)) {
    const series* s = r.find(name);
    if (s == nullptr) throw bad_input("the run has no series " + name);
    const double gib = memory_mib(name) / 1024;
    const double us = in_unit_of(*s, distribution(*s).at(0.5), unit::microseconds);
    n += 1, sx += gib, sy += us, sxx += gib * gib, sxy += gib * us;
  }
  return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

std::vector<judgement> judge(const run& r) {
  std::vector<judgement> rows;
  for (const target& t : all_targets()) {
    if (t.bound.is == bound::kind::peers)
      judge_peers(r, t, rows);
    else if (t.bound.is == bound::kind::slope)
      rows.push_back(judged(blank(t), [&](judgement& row) { judge_slope(r, t, row); }));
    else
      rows.push_back(judged(blank(t), [&](judgement& row) { judge_one(r, t, row); }));
  }
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.verdict < b.verdict; });
  return rows;
}

}  // namespace workit::bench_report
