// scope_record: the story of a scope and all below it, around its receipt.
#pragma once

#include <chrono>
#include <workit/observe/attempt_recorder.hpp>
#include <workit/observe/event_sink.hpp>

namespace workit {

/// What a record does not have, or cannot say.
enum class record_limitation : std::uint8_t {
  scope_still_open,          ///< it was built before the scope had closed: all is of that instant
  receipt_not_ready,         ///< the scope has closed, but not all stopped workers are reclaimed: no receipt yet
  attached_late,             ///< the scope had work before the recorder listened
  event_window_truncated,    ///< the oldest events had to go
  telemetry_exhausted,       ///< events were not told, because the telemetry budget had run out
  attempt_window_truncated,  ///< the oldest attempts had to go
  stops_truncated,           ///< more than 32 stops: the rest is a number
  snapshot_truncated,        ///< settled tasks that only count, or scopes too deep to be shown
};
[[nodiscard]] std::string_view to_string(record_limitation l) noexcept;

/// One scope: how it ended, what happened below it, and how what it owned was stopped. Evidence for people and audits;
/// it is no script that could be run again. Instants of the wall clock are labels: nothing was decided by them.
struct scope_record {
  static constexpr std::string_view schema = "workit.receipt.v1";
  using wall_time = std::chrono::system_clock::time_point;

  /// The end, or how it looks until then.
  struct terminal_state {
    std::optional<scope_outcome> outcome{};   ///< none while the scope is open
    wall_time at{};                           ///< it closed; `created` while it is open
    duration took{};                          ///< since it opened, by the runtime's clock
    std::optional<cancel_reason> why{};       ///< the first reason, when it was cancelled
    std::optional<failure_snapshot> error{};  ///< the first failure of a task or of the body
  };

  /// Counts of this scope and all below it, of all events that were told, those beyond the window too.
  struct totals {
    /// Running: began, and no end was told. A task that was born cancelled tells nothing: the receipt counts it.
    task_counts tasks{};
    std::uint64_t scopes = 0;  ///< this one included
    std::uint64_t cleanup_failures = 0;
    std::uint64_t cleanup_timeouts = 0;
    std::uint64_t retries = 0;
    std::uint64_t dropped_events = 0;            ///< beyond the window
    std::uint64_t dropped_telemetry_events = 0;  ///< never told; at least so many
    std::uint64_t dropped_attempts = 0;          ///< beyond their window
  };

  std::string id{};     ///< of this record, the same each time it is built
  wall_time created{};  ///< it was built
  work_id scope = 0;
  std::string name{};
  time_point opened{};  ///< the runtime's clock; what JSON calls "at_us" counts from here
  terminal_state terminal{};
  totals summary{};
  /// How each worker was stopped: the proof. None until the last of them is reclaimed.
  std::optional<scope_receipt> receipt{};
  std::vector<recorded_event> events{};  ///< oldest first
  std::vector<attempt_record> attempts{};
  scope_snapshot snapshot{};  ///< at its end, or when this was built
  std::vector<record_limitation> limitations{};
};

/// One line of JSON; durations in microseconds, instants by RFC 3339.
[[nodiscard]] std::string to_json(const scope_record& record);

}  // namespace workit
