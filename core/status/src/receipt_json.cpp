// scope_receipt: as one line of JSON.
#include <workit/scope/scope_receipt.hpp>

#include "json_text.hpp"

namespace workit {

std::string to_json(const scope_receipt& r) {
  detail::json_object tasks, out;
  tasks.add("spawned", r.tasks).add("succeeded", r.succeeded).add("failed", r.failed).add("cancelled", r.cancelled);
  out.add("scope", r.name).add("id", r.id).add("outcome", to_string(r.outcome));
  if (r.why) out.add("reason", detail::json_of(*r.why));
  out.add("open_us", detail::microseconds(r.closed - r.opened));
  if (r.requested) out.add("closed_us", detail::microseconds(r.closed - *r.requested));
  return out.add("tasks", tasks.done())
      .add("stops", detail::json_array(r.stops, [](const auto& s) { return detail::json_of(s); }))
      .add_if(r.stops_dropped != 0, "stops_dropped", r.stops_dropped)
      .done()
      .text();
}

}  // namespace workit
