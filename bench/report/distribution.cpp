// Percentiles by nearest rank.
#include "distribution.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

namespace workit::bench_report {

std::string_view to_string(statistic s) noexcept {
  switch (s) {
    case statistic::p50:
      return "p50";
    case statistic::p90:
      return "p90";
    case statistic::p99:
      return "p99";
    case statistic::p999:
      return "p99.9";
    case statistic::worst:
      return "max";
  }
  return "";
}

double share(statistic s) noexcept {
  switch (s) {
    case statistic::p50:
      return 0.5;
    case statistic::p90:
      return 0.9;
    case statistic::p99:
      return 0.99;
    case statistic::p999:
      return 0.999;
    case statistic::worst:
      return 1;
  }
  return 1;
}

std::size_t samples_needed(statistic s) noexcept {
  switch (s) {
    case statistic::p90:
      return 10;
    case statistic::p99:
      return 100;
    case statistic::p999:
      return 1000;
    case statistic::p50:
    case statistic::worst:
      return 1;
  }
  return 1;
}

std::size_t rank(double share, std::size_t n) noexcept {
  // 0.99 * 300 is a little more than 297: without the slack the rank would be one too high.
  const double exact = std::ceil(share * static_cast<double>(n) - 1e-9);
  return std::clamp(static_cast<std::size_t>(std::max(exact, 1.0)), std::size_t{1}, n);
}

distribution::distribution(const series& s) {
  for (const auto& round : s.rounds) sorted_.insert(sorted_.end(), round.begin(), round.end());
  if (more_is_better(s.unit))
    std::sort(sorted_.begin(), sorted_.end(), std::greater<>());
  else
    std::sort(sorted_.begin(), sorted_.end());
}

std::optional<double> distribution::at(statistic s) const {
  if (size() < samples_needed(s)) return std::nullopt;
  return at(share(s));
}

}  // namespace workit::bench_report
