// event: the kinds of events as text.
#include <workit/base/event.hpp>

#include <array>

namespace workit {

std::string_view kind_of(const lifecycle_event& e) noexcept {
  static constexpr std::array names{
      "scope_opened",       "scope_closing",  "scope_closed",   "task_started",      "task_succeeded",
      "task_failed",        "task_cancelled", "cleanup_failed", "cleanup_timed_out", "loser_unresponsive",
      "stop_ignored",       "task_attempt",   "task_retrying",  "progress",          "log",
      "telemetry_exhausted"};
  static_assert(names.size() == std::variant_size_v<event_body>);
  return names[e.body.index()];
}

}  // namespace workit
