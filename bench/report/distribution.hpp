// The distribution of a figure: percentiles of raw samples, never means.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "run.hpp"

namespace workit::bench_report {

enum class statistic { p50, p90, p99, p999, worst };

/// p50, p90, p99, p99.9, max.
[[nodiscard]] std::string_view to_string(statistic s) noexcept;
/// 0.5 to 1.
[[nodiscard]] double share(statistic s) noexcept;
/// How many samples a statistic needs, so that at least one lies beyond it: 1, 10, 100, 1000; 1.
[[nodiscard]] std::size_t samples_needed(statistic s) noexcept;
/// Nearest rank: the least k, from 1, such that k of n samples are at least this share.
[[nodiscard]] std::size_t rank(double share, std::size_t n) noexcept;

/// All rounds' samples of a series, from the best to the worst: where more is better, p99 is what 99 % exceed.
class distribution {
 public:
  explicit distribution(const series& s);
  [[nodiscard]] std::size_t size() const noexcept { return sorted_.size(); }
  /// Nothing, when there are too few samples.
  [[nodiscard]] std::optional<double> at(statistic s) const;
  /// The sample at a share from 0 to 1, however few there are.
  [[nodiscard]] double at(double share) const { return sorted_[rank(share, size()) - 1]; }
  [[nodiscard]] const std::vector<double>& sorted() const noexcept { return sorted_; }

 private:
  std::vector<double> sorted_;
};

/// A time of a series in microseconds, whatever the series' unit of time.
[[nodiscard]] inline double in_us(const series& s, double value) {
  return s.unit == unit::nanoseconds ? value / 1000 : value;
}

}  // namespace workit::bench_report
