// Judging a run by the targets.
#pragma once

#include "targets.hpp"

namespace workit::bench_report {

enum class verdict { falls_short, holds, not_measured };

/// "FALLS SHORT", "holds", "not measured".
[[nodiscard]] std::string_view to_string(verdict v) noexcept;

/// One target and what the run says of it. Texts are for people, with units; empty when not measured.
struct judgement {
  std::string title;
  std::string series;
  bench_report::statistic statistic = statistic::p50;
  std::string beside;  ///< the series that it is held against; empty when that is an absolute limit
  bench_report::verdict verdict = verdict::not_measured;
  std::string why;  ///< it was not measured
  std::string figure, beside_figure, ratio, target;
  double figure_value = 0, beside_value = 0;  ///< both in `unit`
  std::string unit;
  /// How much of what is allowed is used up: 1 at the limit, above 1 when it falls short.
  double used = 0;
};

/// One row a target, and a row a peer where it is about peers; those that fall short first, then those that hold.
[[nodiscard]] std::vector<judgement> judge(const run& r);

/// Microseconds a GiB by least squares through the medians of the group's series, whose sizes stand in their names
/// (".../64MiB/..."). Errors: bad_input, when a series is missing.
[[nodiscard]] double slope_us_per_gib(const run& r, std::string_view group);

}  // namespace workit::bench_report
