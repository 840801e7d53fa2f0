// Percentiles of raw samples: a mean says nothing of a stop.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace workit::bench {

/// The smallest sample that at least the share `p` (0 to 1) of all samples does not exceed: the nearest rank.
/// Requires: `sorted` is sorted and not empty.
inline double percentile(const std::vector<double>& sorted, double p) {
  const auto rank = static_cast<std::size_t>(std::ceil(p * static_cast<double>(sorted.size())));
  return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
}

inline std::vector<double> sorted(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  return samples;
}

}  // namespace workit::bench
