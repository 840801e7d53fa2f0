// label_policy: which labels metrics may have, so that the number of their series is known beforehand.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>
#include <workit/base/boundary.hpp>
#include <workit/base/field.hpp>

namespace workit {

/// One measurement on its way to a metrics system. Lifetime: of what it views.
struct metric_point {
  std::string_view name{};  ///< as in "workit.task.total": a letter, '_' or ':', then those, digits, '.' and '-'
  double value = 0;         ///< finite
  fields labels{};
};

/// A label and all the values that it may have.
struct metric_label {
  std::string key{};
  std::vector<std::string> values{};
};
/// "task.kind", with the words of task_kind.
[[nodiscard]] metric_label task_kind_label();

struct label_policy_options {
  /// As in `{workit::task_kind_label(), {"outcome", {"succeeded", "failed", "cancelled"}}}`.
  std::vector<metric_label> allowed{};
  /// How many series one metric may become, 1 or more: what a metrics system takes without notice.
  std::size_t max_series = 10'000;
};

/// Keys and values have to be listed, letter by letter: "taskKind" is not "task.kind", and a value that came from
/// outside is not let through because it stands under a good key. Values that are no text are compared as keep() writes
/// them.
///
/// Threads: any; it does not change.
class label_policy {
 public:
  enum class verdict : std::uint8_t {
    allowed,
    bad_name,        ///< no name of a metric, or longer than 128 characters
    bad_value,       ///< not finite
    unknown_key,     ///< a label that is not listed
    unknown_value,   ///< a value that is not listed for its label
    repeated_label,  ///< one label twice
  };

  /// Errors: std::invalid_argument, with a sentence, for a key that is no name or is listed twice, for a label without
  /// values, for a value that is longer than 64 characters or listed twice, and when the labels make more series than
  /// max_series.
  explicit label_policy(const label_policy_options& options);

  [[nodiscard]] verdict of(const metric_point& point) const;
  /// The most series that one metric can become: the product over the labels, each with its values or without.
  [[nodiscard]] std::size_t most_series() const noexcept { return most_series_; }

 private:
  std::map<std::string, std::set<std::string, std::less<>>, std::less<>> allowed_;
  std::size_t most_series_ = 1;
};
[[nodiscard]] std::string_view to_string(label_policy::verdict v) noexcept;

}  // namespace workit
