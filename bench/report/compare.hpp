// Comparing two runs: what became slower beyond noise.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "change.hpp"
#include "text_table.hpp"

namespace workit::bench_report {

enum class finding {
  regression,   ///< worse than `least_change`, with its whole interval, and among all series still sure
  improvement,  ///< the same the other way
  none,         ///< nothing beyond noise
  cannot_tell,  ///< too few rounds
  not_judged,   ///< compared without a floor between machines that differ
};

/// "REGRESSION", "improvement", "no change beyond noise", "cannot tell", "not judged".
[[nodiscard]] std::string_view to_string(finding f) noexcept;

struct compared {
  std::string series;
  bench_report::statistic statistic = statistic::p50;
  std::string floor;  ///< empty when the figures themselves are compared
  bench_report::unit unit = unit::microseconds;
  bench_report::change change;
  bench_report::finding finding = finding::none;
};

struct comparison {
  std::vector<compared> series;        ///< regressions first, then the others in the order of `finding`
  std::vector<std::string> only_in_a;  ///< names
  std::vector<std::string> only_in_b;
  bool machines_differ = false;
  std::optional<double> floors;  ///< by how much the floors themselves changed: the median of their p50's ratios
  std::vector<std::string> about_a, about_b;  ///< machine facts

  [[nodiscard]] bool has_regression() const;
};

/// Compares what both have: ratios to the floor where both know it, else figures. Floors and peers are not judged: they
/// are what others did.
///
/// Of some hundred series a few look worse by chance: which p is small enough is decided over all of them together, so
/// that of what is called a regression at most 5 % are none (Benjamini and Hochberg 1995); when nothing has changed,
/// that is the chance of any false alarm at all.
[[nodiscard]] comparison compare(const run& a, const run& b);

/// At most 100 columns wide.
[[nodiscard]] std::string comparison_text(const comparison& c, const ink& colours);
[[nodiscard]] nlohmann::json comparison_json(const comparison& c);

}  // namespace workit::bench_report
