// A quantile of one round and what it could as well have been: its bootstrap distribution.
#pragma once

#include <array>
#include <vector>

namespace workit::bench_report {

/// The quantile of one round's samples, and the values that it has when as many samples are drawn from them with
/// replacement (Efron and Tibshirani 1993). Drawing is not needed: the k-th of n such samples is the one at the place
/// n * U of the sorted ones, where U has the beta distribution (k, n - k + 1).
struct resampled_quantile {
  /// Equally probable values, ascending: one is drawn by drawing a byte.
  std::array<double, 256> values;
  double estimate = 0;

  /// `costs` are sorted, not empty, and the smaller the better; `share` is that of the quantile, from 0 to 1. All
  /// values are logarithms; a cost that is not positive counts as the smallest positive number.
  resampled_quantile(const std::vector<double>& costs, double share);
};

}  // namespace workit::bench_report
