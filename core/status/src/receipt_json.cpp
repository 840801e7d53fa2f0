// A scope receipt as one line of JSON.
#include <workit/scope/scope_receipt.hpp>

#include "json_text.hpp"

namespace workit {

std::string to_json(const scope_receipt& r) {
  std::string out = "{\"scope\":" + detail::quoted(r.name) + ",\"id\":" + std::to_string(r.id) +
                    ",\"outcome\":" + detail::quoted(to_string(r.outcome));
  if (r.why) out += ",\"reason\":" + detail::json_of(*r.why);
  out += ",\"open_us\":" + detail::microseconds(r.closed - r.opened);
  if (r.requested) out += ",\"closed_us\":" + detail::microseconds(r.closed - *r.requested);
  out += ",\"tasks\":{\"spawned\":" + std::to_string(r.tasks) + ",\"succeeded\":" + std::to_string(r.succeeded) +
         ",\"failed\":" + std::to_string(r.failed) + ",\"cancelled\":" + std::to_string(r.cancelled) +
         "},\"stops\":" + detail::json_list(r.stops, [](const auto& s) { return detail::json_of(s); });
  if (r.stops_dropped != 0) out += ",\"stops_dropped\":" + std::to_string(r.stops_dropped);
  return out + '}';
}

}  // namespace workit
