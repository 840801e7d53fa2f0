// snapshot: as one line of JSON. A member without a value is left out.
#include <workit/scope/snapshot.hpp>

#include "json_text.hpp"

namespace workit {
namespace {

using detail::json_array;
using detail::json_object;
using detail::json_of;
using detail::json_value;
using detail::microseconds;

json_value json_of(const scope_snapshot& s);

json_value json_of(const stop_snapshot& s) {
  return json_object().add("reason", json_of(s.why)).add("since_us", microseconds(s.since)).done();
}

/// The members that scopes and tasks have in common.
template <class Snapshot>
void add_common(json_object& out, const Snapshot& s) {
  out.add_if(!s.waits_for.empty(), "waits_for", s.waits_for).add_if(s.in_cleanup, "in_cleanup", true);
  if (s.stopping) out.add("stopping", json_of(*s.stopping));
  if (!s.stops.empty()) out.add("stops", json_array(s.stops, [](const auto& stop) { return json_of(stop); }));
  if (!s.scopes.empty()) out.add("scopes", json_array(s.scopes, [](const auto& scope) { return json_of(scope); }));
}

json_value json_of(const task_snapshot& t) {
  json_object out;
  out.add("task", t.name)
      .add("id", t.id)
      .add("kind", to_string(t.kind))
      .add("status", to_string(t.status))
      .add("age_us", microseconds(t.age))
      .add_if(t.started.has_value(), "took_us", microseconds(t.took))
      .add_if(t.background, "background", true);
  if (t.attempt) out.add("attempt", *t.attempt);
  if (t.progress) out.add("progress", detail::fraction(*t.progress));
  if (t.message) out.add("message", *t.message);
  if (t.failure) out.add("failure", json_of(*t.failure));
  add_common(out, t);
  return out.done();
}

json_value json_of(const scope_snapshot& s) {
  json_object out;
  out.add("scope", s.name).add("id", s.id).add("state", to_string(s.state)).add("open_us", microseconds(s.open));
  if (!s.deadline.is_never()) out.add("deadline_us", microseconds(s.deadline.at() - s.taken));
  out.add("counts", json_of(s.counts));
  add_common(out, s);
  return out.add("tasks", json_array(s.tasks, [](const auto& t) { return json_of(t); }))
      .add_if(s.tasks_forgotten != 0, "tasks_forgotten", s.tasks_forgotten)
      .add_if(s.stops_dropped != 0, "stops_dropped", s.stops_dropped)
      .add_if(s.cut, "cut", true)
      .done();
}

}  // namespace

std::string to_json(const scope_snapshot& s) { return json_of(s).text(); }

std::string to_json(const runtime_snapshot& r) {
  return json_object()
      .add("runtime", r.name)
      .add("roots", json_array(r.roots, [](const auto& s) { return json_of(s); }))
      .add("queued", json_array(r.queued, [](const auto& t) { return json_of(t); }))
      .done()
      .text();
}

}  // namespace workit
