// A scope's record as one line of JSON. What there is not is left out.
#include <ctime>
#include <workit/observe/scope_record.hpp>

#include "json_text.hpp"
#include "take_snapshot.hpp"

namespace workit {
namespace {

using detail::json_list;
using detail::json_of;
using detail::microseconds;
using detail::quoted;

std::string_view to_string(event::attempt_end how) noexcept {
  switch (how) {
    case event::attempt_end::succeeded:
      return "succeeded";
    case event::attempt_end::failed:
      return "failed";
    case event::attempt_end::cancelled:
      return "cancelled";
  }
  return "?";
}

/// By RFC 3339, in UTC, to the millisecond.
std::string json_of(scope_record::wall_time at) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(at);
  const auto whole = std::chrono::floor<std::chrono::seconds>(ms);
  const std::time_t seconds = std::chrono::system_clock::to_time_t(whole);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  const auto length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  auto digits = std::to_string((ms - whole).count());
  digits.insert(0, 3 - digits.size(), '0');
  return '"' + std::string(text, length) + '.' + digits + "Z\"";
}

std::string json_of(const owned_fields& data) {
  std::string out = "{";
  for (const auto& [name, value] : data) out += (out.size() > 1 ? "," : "") + quoted(name) + ':' + quoted(value);
  return out + '}';
}

/// The members of an event's body, each with a comma before it. What it referred to is elsewhere.
template <class Body>
std::string members(const Body& b) {
  std::string out;
  if constexpr (requires { b.parent; }) out += ",\"parent\":" + std::to_string(b.parent);
  if constexpr (requires { b.scope; }) out += ",\"scope\":" + std::to_string(b.scope);
  if constexpr (requires { b.kind; }) out += ",\"kind\":" + quoted(workit::to_string(b.kind));
  if constexpr (requires { b.attempt; }) out += ",\"attempt\":" + std::to_string(b.attempt);
  if constexpr (requires { b.how; }) out += ",\"outcome\":" + quoted(to_string(b.how));
  if constexpr (requires { b.took; }) out += ",\"took_us\":" + microseconds(b.took);
  if constexpr (requires { b.bound; }) out += ",\"bound_us\":" + microseconds(b.bound);
  if constexpr (requires { b.waited; }) out += ",\"waited_us\":" + microseconds(b.waited);
  if constexpr (requires { b.next_delay; }) out += ",\"next_delay_us\":" + microseconds(b.next_delay);
  if constexpr (requires { b.dropped_events; })
    if (b.dropped_events != 0) out += ",\"dropped_events\":" + std::to_string(b.dropped_events);
  if constexpr (requires { b.limit; }) out += ",\"limit\":" + quoted(to_string(b.limit));
  if constexpr (requires { b.pct; })
    if (b.pct) out += ",\"progress\":" + detail::fraction(*b.pct);
  if constexpr (requires { b.level; }) out += ",\"level\":" + quoted(workit::to_string(b.level));
  if constexpr (requires { b.error; })
    if (b.error) out += ",\"error\":" + json_of(detail::failure_of(b.error));
  return out;
}

std::string json_of(const recorded_event& e, time_point opened) {
  std::string out = "{\"at_us\":" + microseconds(e.at - opened) + ",\"event\":" + quoted(kind_of(e)) +
                    ",\"id\":" + std::to_string(e.id) + ",\"name\":" + quoted(e.name);
  out += std::visit([](const auto& body) { return members(body); }, e.body);
  if (e.why) out += ",\"reason\":" + json_of(*e.why);
  if (e.message) out += ",\"message\":" + quoted(*e.message);
  if (!e.data.empty()) out += ",\"data\":" + json_of(e.data);
  return out + '}';
}

std::string json_of(const attempt_record& a, time_point opened) {
  std::string out = "{\"task\":" + quoted(a.name) + ",\"id\":" + std::to_string(a.task) +
                    ",\"attempt\":" + std::to_string(a.attempt) +
                    ",\"started_us\":" + microseconds(a.started - opened) +
                    ",\"completed_us\":" + microseconds(a.completed - opened) +
                    ",\"took_us\":" + microseconds(a.took()) + ",\"outcome\":" + quoted(to_string(a.outcome));
  if (!a.reason_code.empty()) out += ",\"reason_code\":" + quoted(a.reason_code);
  if (!a.metadata.empty()) out += ",\"metadata\":" + json_of(a.metadata);
  if (a.metadata_cut) out += ",\"metadata_cut\":true";
  if (a.error) out += ",\"error\":" + json_of(*a.error);
  return out + '}';
}

std::string json_of(const scope_record::terminal_state& t) {
  std::string out = "{\"outcome\":" + quoted(t.outcome ? to_string(*t.outcome) : "running") +
                    ",\"at\":" + json_of(t.at) + ",\"took_us\":" + microseconds(t.took);
  if (t.why) out += ",\"reason\":" + json_of(*t.why);
  if (t.error) out += ",\"error\":" + json_of(*t.error);
  return out + '}';
}

std::string json_of(const scope_record::totals& t) {
  return "{\"tasks\":" + json_of(t.tasks) + ",\"scopes\":" + std::to_string(t.scopes) +
         ",\"cleanup_failures\":" + std::to_string(t.cleanup_failures) +
         ",\"cleanup_timeouts\":" + std::to_string(t.cleanup_timeouts) + ",\"retries\":" + std::to_string(t.retries) +
         ",\"dropped_events\":" + std::to_string(t.dropped_events) +
         ",\"dropped_telemetry_events\":" + std::to_string(t.dropped_telemetry_events) +
         ",\"dropped_attempts\":" + std::to_string(t.dropped_attempts) + '}';
}

}  // namespace

std::string_view to_string(record_limitation l) noexcept {
  switch (l) {
    case record_limitation::scope_still_open:
      return "scope_still_open";
    case record_limitation::receipt_not_ready:
      return "receipt_not_ready";
    case record_limitation::attached_late:
      return "attached_late";
    case record_limitation::event_window_truncated:
      return "event_window_truncated";
    case record_limitation::telemetry_exhausted:
      return "telemetry_exhausted";
    case record_limitation::attempt_window_truncated:
      return "attempt_window_truncated";
    case record_limitation::stops_truncated:
      return "stops_truncated";
    case record_limitation::snapshot_truncated:
      return "snapshot_truncated";
  }
  return "?";
}

std::string to_json(const scope_record& r) {
  std::string out = "{\"schema\":" + quoted(scope_record::schema) + ",\"id\":" + quoted(r.id) +
                    ",\"created\":" + json_of(r.created) + ",\"scope\":" + quoted(r.name) +
                    ",\"scope_id\":" + std::to_string(r.scope) + ",\"terminal\":" + json_of(r.terminal) +
                    ",\"summary\":" + json_of(r.summary);
  if (r.receipt) out += ",\"receipt\":" + to_json(*r.receipt);
  out += ",\"events\":" + json_list(r.events, [&](const auto& e) { return json_of(e, r.opened); });
  out += ",\"attempts\":" + json_list(r.attempts, [&](const auto& a) { return json_of(a, r.opened); });
  out += ",\"snapshot\":" + to_json(r.snapshot);
  out += ",\"limitations\":" + json_list(r.limitations, [](auto l) { return quoted(to_string(l)); });
  return out + '}';
}

}  // namespace workit
