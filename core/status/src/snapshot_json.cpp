// A snapshot as one line of JSON. What there is not is left out.
#include <workit/scope/snapshot.hpp>

#include "json_text.hpp"

namespace workit {
namespace {

using detail::fraction;
using detail::json_list;
using detail::json_of;
using detail::microseconds;
using detail::quoted;

std::string json_of(const stop_snapshot& s) {
  return "{\"reason\":" + json_of(s.why) + ",\"since_us\":" + microseconds(s.since) + '}';
}

// What scopes and tasks have in common.
template <class Snapshot>
std::string common(const Snapshot& s) {
  std::string out;
  if (!s.waits_for.empty()) out += ",\"waits_for\":" + quoted(s.waits_for);
  if (s.in_cleanup) out += ",\"in_cleanup\":true";
  if (s.stopping) out += ",\"stopping\":" + json_of(*s.stopping);
  if (!s.stops.empty()) out += ",\"stops\":" + json_list(s.stops, [](const auto& stop) { return json_of(stop); });
  if (!s.scopes.empty()) out += ",\"scopes\":" + json_list(s.scopes, [](const auto& scope) { return to_json(scope); });
  return out;
}

std::string json_of(const task_snapshot& t) {
  std::string out = "{\"task\":" + quoted(t.name) + ",\"id\":" + std::to_string(t.id) +
                    ",\"kind\":" + quoted(to_string(t.kind)) + ",\"status\":" + quoted(to_string(t.status)) +
                    ",\"age_us\":" + microseconds(t.age);
  if (t.started) out += ",\"took_us\":" + microseconds(t.took);
  if (t.background) out += ",\"background\":true";
  if (t.attempt) out += ",\"attempt\":" + std::to_string(*t.attempt);
  if (t.progress) out += ",\"progress\":" + fraction(*t.progress);
  if (t.message) out += ",\"message\":" + quoted(*t.message);
  if (t.failure) out += ",\"failure\":" + json_of(*t.failure);
  return out + common(t) + '}';
}

}  // namespace

std::string to_json(const scope_snapshot& s) {
  std::string out = "{\"scope\":" + quoted(s.name) + ",\"id\":" + std::to_string(s.id) +
                    ",\"state\":" + quoted(to_string(s.state)) + ",\"open_us\":" + microseconds(s.open);
  if (!s.deadline.is_never()) out += ",\"deadline_us\":" + microseconds(s.deadline.at() - s.taken);
  out += ",\"counts\":" + json_of(s.counts) + common(s) +
         ",\"tasks\":" + json_list(s.tasks, [](const auto& t) { return json_of(t); });
  if (s.tasks_forgotten != 0) out += ",\"tasks_forgotten\":" + std::to_string(s.tasks_forgotten);
  if (s.stops_dropped != 0) out += ",\"stops_dropped\":" + std::to_string(s.stops_dropped);
  if (s.cut) out += ",\"cut\":true";
  return out + '}';
}

std::string to_json(const runtime_snapshot& r) {
  return "{\"runtime\":" + quoted(r.name) +
         ",\"roots\":" + json_list(r.roots, [](const auto& s) { return to_json(s); }) +
         ",\"queued\":" + json_list(r.queued, [](const auto& t) { return json_of(t); }) + '}';
}

}  // namespace workit
