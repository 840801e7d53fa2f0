// lifecycle_event: what happens to scopes and tasks, as typed facts for observers.
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <variant>
#include <workit/base/amount.hpp>
#include <workit/base/boundary.hpp>
#include <workit/base/clock.hpp>
#include <workit/base/event_forward.hpp>
#include <workit/base/field.hpp>
#include <workit/base/log_level.hpp>
#include <workit/base/progress.hpp>
#include <workit/base/reason.hpp>

namespace workit {

namespace event {

struct scope_opened {
  work_id parent = 0;  ///< 0 for a root
};
/// Why a scope began to close, once per scope; no reason when its body ended in peace.
struct scope_closing {
  const cancel_reason* why = nullptr;
};
struct scope_closed {
  duration took{};
  std::uint64_t dropped_events = 0;  ///< what the telemetry budget that rules there has dropped so far
};
struct task_started {
  work_id scope = 0;
  task_kind kind = task_kind::io;
};
struct task_succeeded {
  duration took{};
};
struct task_failed {
  std::exception_ptr error{};
  duration took{};
};
struct task_cancelled {
  const cancel_reason* why = nullptr;
  duration took{};
};
/// A cleanup threw; its owner's outcome is not changed by that.
struct cleanup_failed {
  std::exception_ptr error{};
};
/// A cleanup overran its bound and was cancelled.
struct cleanup_timed_out {
  duration bound{};
};
/// A branch of a composable was told to stop and has not ended within its grace; again each second until it has.
struct loser_unresponsive {
  duration waited{};  ///< since it was told
};
/// The body of a scope or task returned although a time limit had passed: it came to no cancel point, or swallowed
/// `cancelled`. What the body of a scope returned after its deadline is dropped.
struct stop_ignored {
  const cancel_reason* why = nullptr;
  duration late{};  ///< since the limit passed, by the runtime's clock
};
enum class attempt_end : std::uint8_t { succeeded, failed, cancelled };
/// One attempt of a retry is over; of nested retries in one task, the outermost tells.
struct task_attempt {
  std::size_t attempt = 1;
  duration took{};
  attempt_end how = attempt_end::succeeded;
};
/// An attempt failed and another one follows.
struct task_retrying {
  std::size_t attempt = 2;  ///< the one that follows
  std::exception_ptr error{};
  duration next_delay{};
};

/// A line of a body's log. Nothing else happens with it: observers decide where it goes.
struct log {
  log_level level = log_level::info;
  std::string_view message{};
  fields data{};
};
/// The telemetry budget has run out: this is the last event, but for scope_closed. Told once per budget.
struct telemetry_exhausted {
  amount limit{};
};

}  // namespace event

/// One fact about one scope or task. Lifetime: pointers, names, messages and fields are valid during the call that
/// delivers it.
/// Order: of one task, nothing follows its terminal event (succeeded, failed, cancelled), which follows its cleanups.
struct lifecycle_event {
  work_id id = 0;
  std::string_view name{};
  time_point at{};  ///< the runtime's clock
  event_body body{};
};

/// The alternative's name, as in "task_failed".
[[nodiscard]] std::string_view kind_of(const lifecycle_event& e) noexcept;

}  // namespace workit
