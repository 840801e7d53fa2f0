// The names of the lifecycle events, for headers that only pass them on: a program that observes none does not pay for
// them when it is compiled. What they hold is in <workit/base/event.hpp>.
#pragma once

#include <variant>

namespace workit {

namespace event {
struct scope_opened;
struct scope_closing;
struct scope_closed;
struct task_started;
struct task_succeeded;
struct task_failed;
struct task_cancelled;
struct cleanup_failed;
struct cleanup_timed_out;
struct loser_unresponsive;
struct stop_ignored;
struct task_attempt;
struct task_retrying;
struct progress;
struct log;
struct telemetry_exhausted;
}  // namespace event

/// What has happened. Visiting it is exhaustive at compile time.
using event_body =
    std::variant<event::scope_opened, event::scope_closing, event::scope_closed, event::task_started,
                 event::task_succeeded, event::task_failed, event::task_cancelled, event::cleanup_failed,
                 event::cleanup_timed_out, event::loser_unresponsive, event::stop_ignored, event::task_attempt,
                 event::task_retrying, event::progress, event::log, event::telemetry_exhausted>;

struct lifecycle_event;

}  // namespace workit
