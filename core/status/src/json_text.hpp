// The words of JSON that receipts and snapshots share.
#pragma once

#include <workit/scope/snapshot.hpp>

namespace workit::detail {

/// A JSON string. Names and tags are the user's bytes: what is no UTF-8 in them becomes U+FFFD, or the line would be no
/// JSON.
[[nodiscard]] std::string quoted(std::string_view text);
/// A number of microseconds with one digit behind the point.
[[nodiscard]] std::string microseconds(duration d);
/// A share, 0 to 1, with three digits; null for what is no share at all.
[[nodiscard]] std::string fraction(double of_one);
[[nodiscard]] std::string json_of(const cancel_reason& why);
[[nodiscard]] std::string json_of(const failure_snapshot& f);
[[nodiscard]] std::string json_of(const task_counts& c);
[[nodiscard]] std::string json_of(const thread_stop& t);
[[nodiscard]] std::string json_of(const scope_receipt::stop& s);
/// "[...]" of all elements by `to_text`.
template <class Range, class F>
[[nodiscard]] std::string json_list(const Range& all, F&& to_text) {
  std::string out = "[";
  for (const auto& each : all) {
    if (out.size() > 1) out += ',';
    out += to_text(each);
  }
  return out += ']';
}

}  // namespace workit::detail
