// scope_summary: one closed scope in a few numbers.
#pragma once

#include <workit/scope/snapshot.hpp>

namespace workit {

/// What was told of one scope, without those below it. Tasks that were born cancelled told nothing and are not counted:
/// a scope_receipt knows of them, and of what happened after the scope had begun to close.
struct scope_summary {
  work_id id = 0;
  work_id parent = 0;  ///< the task or scope in which it was opened; 0 when that was not heard
  std::string name{};
  time_point opened{};  ///< the runtime's clock; of a late one, when it was first heard of
  duration took{};
  scope_outcome outcome = scope_outcome::completed;  ///< by the reason for which it began to close
  std::optional<cancel_reason> why{};                ///< that reason, without the data of a manual one
  task_counts tasks{};                               ///< running: their end was not told
  std::uint64_t retries = 0;
  std::uint64_t cleanup_failures = 0;
  std::uint64_t cleanup_timeouts = 0;
  std::uint64_t dropped_events = 0;  ///< as event::scope_closed says
  bool late = false;                 ///< it was open before the exporter listened: the counts are of what came after
};

/// One line of JSON; durations in microseconds.
[[nodiscard]] std::string to_json(const scope_summary& summary);

}  // namespace workit
