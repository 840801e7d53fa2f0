// How much a series changed from one run to another, and how sure that is.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "borrowed_noise.hpp"
#include "distribution.hpp"

namespace workit::bench_report {

/// A change that is smaller than this is none, however sure: layout and alignment alone make as much.
constexpr double least_change = 1.05;
/// Fewer rounds than this tell nothing of how a figure differs from launch to launch.
constexpr std::size_t rounds_needed = 3;
/// Samples that a p99 needs, in all rounds together; each round needs 100 of them.
constexpr std::size_t samples_for_p99 = 300;

/// A series in one run, with its floor there; `floor` is null when it is compared as it is. Neither is owned.
struct side {
  const series* figure = nullptr;
  const series* floor = nullptr;
};

/// Of one statistic. Ratios above 1 are worse, also where more is better.
struct change {
  double a = 0;  ///< the ratio to the floor in run A, or the figure itself: the geometric mean of its rounds'
  double b = 0;
  double ratio = 1;  ///< b by a
  /// 95 % confidence interval of `ratio`; absent with fewer than three rounds.
  struct interval {
    double low, high;
  };
  std::optional<interval> sure;
  /// Probability of so large a change, or a larger one, if the true one were `least_change` worse, or better.
  double p_worse = 1;
  double p_better = 1;

  /// Of the logarithm of `ratio`, by the differences between rounds; absent with fewer than three.
  std::optional<bench_report::noise> noise;
  /// What the bootstrap differs from the estimate by, as logarithms in units of its own deviation; sorted.
  std::vector<double> shape;
};

/// The change of a statistic from A to B, or nothing where one of them has too few samples for it, or has it at zero.
/// `sure` and the probabilities are for add_certainty to find. The draws come from a generator seeded by `seed` alone.
///
/// A figure's level differs from launch to launch, so that launches and not samples are what there are many of
/// (Kalibera and Jones 2013, "Rigorous benchmarking in reasonable time"). A hierarchical bootstrap (Efron and
/// Tibshirani 1993) draws rounds, and samples in each of them, of the figure and of its floor, which stay together
/// since both saw the same hour. Of so few rounds it gives the shape of the interval and not its width, which it
/// understates: that is the rounds' own variance, with Welch's degrees of freedom and Student's t.
[[nodiscard]] std::optional<change> change_between(const side& a, const side& b, statistic what, std::uint64_t seed);

/// Finds `sure` and the probabilities by the change's noise, as it is known by then.
void add_certainty(change& c);

}  // namespace workit::bench_report
