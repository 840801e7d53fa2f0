// How much a series changed from one run to another, and how sure that is.
#pragma once

#include <optional>
#include <string>

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
};

/// The change of a statistic from A to B, or nothing where one of them has too few samples for it, or has it at zero.
///
/// A figure's level differs from launch to launch, so that launches and not samples are what there are many of
/// (Kalibera and Jones 2013). The interval is that of a hierarchical bootstrap: rounds are drawn, and in each of them
/// samples, of the figure and of its floor, which is kept together with it since both saw the same hour. With R rounds
/// that distribution is too narrow: it is spread by sqrt(R / (R - 1)) for their variance and by Student's t over the
/// normal for their number, with Welch's degrees of freedom (Hesterberg 2015, "What teachers should know about the
/// bootstrap", section 5). The draws come from a generator seeded by `seed` alone.
[[nodiscard]] std::optional<change> change_between(const side& a, const side& b, statistic what, std::uint64_t seed);

}  // namespace workit::bench_report
