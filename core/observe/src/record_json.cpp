// scope_record: as one line of JSON. A member without a value is left out.
#include <workit/observe/scope_record.hpp>

#include <ctime>

#include "json_text.hpp"
#include "take_snapshot.hpp"

namespace workit {
namespace {

using detail::json_array;
using detail::json_object;
using detail::json_of;
using detail::json_value;
using detail::microseconds;

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
json_value json_of(scope_record::wall_time at) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(at);
  const auto whole = std::chrono::floor<std::chrono::seconds>(ms);
  const std::time_t seconds = std::chrono::system_clock::to_time_t(whole);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  const auto length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  auto digits = std::to_string((ms - whole).count());
  digits.insert(0, 3 - digits.size(), '0');
  return std::string(text, length) + '.' + digits + 'Z';
}

json_value json_of(const owned_fields& data) {
  json_object out;
  for (const auto& [name, value] : data) out.add(name, value);
  return out.done();
}

/// The members of an event's body. What the body referred to is in the recorded event.
template <class Body>
void add_body(json_object& out, const Body& b) {
  if constexpr (requires { b.parent; }) out.add("parent", b.parent);
  if constexpr (requires { b.scope; }) out.add("scope", b.scope);
  if constexpr (requires { b.kind; }) out.add("kind", workit::to_string(b.kind));
  if constexpr (requires { b.attempt; }) out.add("attempt", b.attempt);
  if constexpr (requires { b.how; }) out.add("outcome", to_string(b.how));
  if constexpr (requires { b.took; }) out.add("took_us", microseconds(b.took));
  if constexpr (requires { b.bound; }) out.add("bound_us", microseconds(b.bound));
  if constexpr (requires { b.late; }) out.add("late_us", microseconds(b.late));
  if constexpr (requires { b.waited; }) out.add("waited_us", microseconds(b.waited));
  if constexpr (requires { b.next_delay; }) out.add("next_delay_us", microseconds(b.next_delay));
  if constexpr (requires { b.dropped_events; }) out.add_if(b.dropped_events != 0, "dropped_events", b.dropped_events);
  if constexpr (requires { b.limit; }) out.add("limit", to_string(b.limit));
  if constexpr (requires { b.pct; })
    if (b.pct) out.add("progress", detail::fraction(*b.pct));
  if constexpr (requires { b.level; }) out.add("level", workit::to_string(b.level));
  if constexpr (requires { b.error; })
    if (b.error) out.add("error", json_of(detail::failure_of(b.error)));
}

json_value json_of(const recorded_event& e, time_point opened) {
  json_object out;
  out.add("at_us", microseconds(e.at - opened)).add("event", kind_of(e)).add("id", e.id).add("name", e.name);
  std::visit([&](const auto& body) { add_body(out, body); }, e.body);
  if (e.why) out.add("reason", json_of(*e.why));
  if (e.message) out.add("message", *e.message);
  if (!e.data.empty()) out.add("data", json_of(e.data));
  return out.done();
}

json_value json_of(const attempt_record& a, time_point opened) {
  json_object out;
  out.add("task", a.name)
      .add("id", a.task)
      .add("attempt", a.attempt)
      .add("started_us", microseconds(a.started - opened))
      .add("completed_us", microseconds(a.completed - opened))
      .add("took_us", microseconds(a.took()))
      .add("outcome", to_string(a.outcome))
      .add_if(!a.reason_code.empty(), "reason_code", a.reason_code);
  if (!a.metadata.empty()) out.add("metadata", json_of(a.metadata));
  out.add_if(a.metadata_cut, "metadata_cut", true);
  if (a.error) out.add("error", json_of(*a.error));
  return out.done();
}

json_value json_of(const scope_record::terminal_state& t) {
  json_object out;
  out.add("outcome", t.outcome ? to_string(*t.outcome) : "running")
      .add("at", json_of(t.at))
      .add("took_us", microseconds(t.took));
  if (t.why) out.add("reason", json_of(*t.why));
  if (t.error) out.add("error", json_of(*t.error));
  return out.done();
}

json_value json_of(const scope_record::totals& t) {
  return json_object()
      .add("tasks", json_of(t.tasks))
      .add("scopes", t.scopes)
      .add("cleanup_failures", t.cleanup_failures)
      .add("cleanup_timeouts", t.cleanup_timeouts)
      .add("retries", t.retries)
      .add("dropped_events", t.dropped_events)
      .add("dropped_telemetry_events", t.dropped_telemetry_events)
      .add("dropped_attempts", t.dropped_attempts)
      .done();
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
  json_object out;
  out.add("schema", scope_record::schema)
      .add("id", r.id)
      .add("created", json_of(r.created))
      .add("scope", r.name)
      .add("scope_id", r.scope)
      .add("terminal", json_of(r.terminal))
      .add("summary", json_of(r.summary));
  if (r.receipt) out.add("receipt", json_value::verbatim(to_json(*r.receipt)));
  return out.add("events", json_array(r.events, [&](const auto& e) { return json_of(e, r.opened); }))
      .add("attempts", json_array(r.attempts, [&](const auto& a) { return json_of(a, r.opened); }))
      .add("snapshot", json_value::verbatim(to_json(r.snapshot)))
      .add("limitations", json_array(r.limitations, [](auto l) { return to_string(l); }))
      .done()
      .text();
}

}  // namespace workit
