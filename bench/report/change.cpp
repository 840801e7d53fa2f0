// The hierarchical bootstrap of one series' change.
#include "change.hpp"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>
#include <random>

#include "resampled_quantile.hpp"

namespace workit::bench_report {
namespace {

constexpr int replicates = 1000;
constexpr double confidence = 0.95;

/// Rounds whose mean is a term of the change: a figure's, each less its floor where they were taken together.
struct term {
  double sign = 1;
  std::vector<resampled_quantile> figures;
  std::vector<resampled_quantile> floors;  // empty, or one for each figure

  [[nodiscard]] std::size_t size() const { return figures.size(); }
  [[nodiscard]] double level(std::size_t round) const {
    return figures[round].estimate - (floors.empty() ? 0 : floors[round].estimate);
  }
  [[nodiscard]] double mean() const {
    double sum = 0;
    for (std::size_t i = 0; i < size(); ++i) sum += level(i);
    return sum / static_cast<double>(size());
  }
  /// Of the mean, by the differences between rounds.
  [[nodiscard]] double variance() const {
    double squares = 0;
    const double m = mean(), n = static_cast<double>(size());
    for (std::size_t i = 0; i < size(); ++i) squares += (level(i) - m) * (level(i) - m);
    return squares / (n - 1) / n;
  }
  /// The mean of rounds drawn with replacement, and of samples drawn in them.
  [[nodiscard]] double drawn(std::mt19937_64& random) const {
    double sum = 0;
    for (std::size_t i = 0; i < size(); ++i) {
      const std::uint64_t bits = random();
      const std::size_t round = ((bits >> 32) * size()) >> 32;
      sum += figures[round].values[bits & 0xFF];
      if (!floors.empty()) sum -= floors[round].values[(bits >> 8) & 0xFF];
    }
    return sum / static_cast<double>(size());
  }
};

std::vector<resampled_quantile> quantiles(const series& s, double share) {
  std::vector<resampled_quantile> all;
  for (std::vector<double> costs : s.rounds) {
    if (more_is_better(s.unit))
      for (double& value : costs) value = value > 0 ? 1 / value : 0;
    std::sort(costs.begin(), costs.end());
    all.emplace_back(costs, share);
  }
  return all;
}

void add_terms(std::vector<term>& terms, const side& of, double share, double sign) {
  term figure{.sign = sign, .figures = quantiles(*of.figure, share), .floors = {}};
  if (of.floor != nullptr) {
    auto floors = quantiles(*of.floor, share);
    if (floors.size() == figure.size())
      figure.floors = std::move(floors);
    else
      terms.push_back({.sign = -sign, .figures = std::move(floors), .floors = {}});
  }
  terms.push_back(std::move(figure));
}

double sum_of_means(const std::vector<term>& terms) {
  return std::accumulate(terms.begin(), terms.end(), 0.0,
                         [](double sum, const term& t) { return sum + t.sign * t.mean(); });
}

bool is_enough(const series& s, statistic what) {
  std::size_t all = 0;
  for (const auto& round : s.rounds) {
    if (round.size() < samples_needed(what)) return false;
    all += round.size();
  }
  return what != statistic::p99 || all >= samples_for_p99;
}

/// A median of zero has no ratio.
bool is_positive(const std::vector<term>& terms) {
  const auto positive = [](const resampled_quantile& q) { return q.estimate > -700; };
  return std::all_of(terms.begin(), terms.end(), [&](const term& t) {
    return std::all_of(t.figures.begin(), t.figures.end(), positive) &&
           std::all_of(t.floors.begin(), t.floors.end(), positive);
  });
}

/// Variances add up; the degrees of freedom are Welch's (1947).
noise noise_of(const std::vector<term>& terms) {
  double sum = 0, squares = 0, least = 1e9;
  for (const term& t : terms) {
    const double variance = t.variance(), n = static_cast<double>(t.size());
    sum += variance;
    squares += variance * variance / (n - 1);
    least = std::min(least, n - 1);
  }
  return {sum, squares > 0 ? sum * sum / squares : least};
}

/// Differences of the bootstrap from the estimate, by their deviation, sorted; all zero when nothing varies.
std::vector<double> shape_of(const std::vector<term>& terms, double estimate, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<double> all(replicates);
  double squares = 0;
  for (double& value : all) {
    for (const term& t : terms) value += t.sign * t.drawn(random);
    value -= estimate;
    squares += value * value;
  }
  const double deviation = std::sqrt(squares / replicates);
  for (double& value : all) value = deviation > 0 ? value / deviation : 0;
  std::sort(all.begin(), all.end());
  return all;
}

/// Student's probability of a value above `distance`, in standard errors.
double tail(double distance, double error, double freedom) {
  if (error == 0) return distance > 0 ? 0 : 1;
  return boost::math::cdf(complement(boost::math::students_t(freedom), distance / error));
}

}  // namespace

std::optional<change> change_between(const side& a, const side& b, statistic what, std::uint64_t seed) {
  for (const series* s : {a.figure, a.floor, b.figure, b.floor})
    if (s != nullptr && !is_enough(*s, what)) return std::nullopt;
  std::vector<term> terms, of_b;
  add_terms(terms, a, share(what), -1);
  add_terms(of_b, b, share(what), 1);
  if (!is_positive(terms) || !is_positive(of_b)) return std::nullopt;
  change c;
  c.a = std::exp(-sum_of_means(terms));
  c.b = std::exp(sum_of_means(of_b));
  c.ratio = c.b / c.a;
  std::move(of_b.begin(), of_b.end(), std::back_inserter(terms));
  const bool many = std::all_of(terms.begin(), terms.end(), [](const term& t) { return t.size() >= rounds_needed; });
  if (many) {
    c.noise = noise_of(terms);
    c.shape = shape_of(terms, std::log(c.ratio), seed);
  }
  // Costs of what is counted in items a second are seconds an item.
  if (a.floor == nullptr && more_is_better(a.figure->unit)) c.a = 1 / c.a, c.b = 1 / c.b;
  return c;
}

void add_certainty(change& c) {
  if (!c.noise) return;
  const double error = std::sqrt(c.noise->variance), freedom = c.noise->freedom, half = (1 + confidence) / 2;
  const double estimate = std::log(c.ratio);
  const double wider = error * boost::math::quantile(boost::math::students_t(freedom), half) /
                       boost::math::quantile(boost::math::normal(), half);
  c.sure = {std::exp(estimate + wider * c.shape[rank(1 - half, c.shape.size()) - 1]),
            std::exp(estimate + wider * c.shape[rank(half, c.shape.size()) - 1])};
  c.p_worse = tail(estimate - std::log(least_change), error, freedom);
  c.p_better = tail(-estimate - std::log(least_change), error, freedom);
}

}  // namespace workit::bench_report
