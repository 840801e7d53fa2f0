// Writes the bench's file format.
#include "round.hpp"

#include <ctime>
#include <ostream>

namespace peers {

round::round() {
  char began[sizeof "2000-01-01T00:00:00Z"];
  const auto time = std::time(nullptr);
  tm utc{};
  std::strftime(began, sizeof began, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&time, &utc));
  const auto list = nlohmann::ordered_json::array();
  file_ = {{"format", "workit-bench/1"}, {"machine", {{"began", began}}}, {"series", list}, {"notes", list}};
  file_["skipped"] = list;
}

void round::add(const description& peer, int memory_mib, const std::string& event,
                const std::vector<double>& microseconds) {
  if (microseconds.empty()) return;
  const auto memory = std::to_string(memory_mib);
  file_["series"].push_back({{"name", "peer/" + peer.name + (memory_mib > 0 ? "/" + memory + "MiB/" : "/") + event},
                             {"unit", "us"},
                             {"tags",
                              {{"subject", "peer"},
                               {"peer", peer.title},
                               {"event", event},
                               {"stops", peer.stops},
                               {"memory_mib", memory},
                               {"version", peer.version}}},
                             {"samples", microseconds}});
}

void round::note(const description& peer, const std::string& what) {
  file_["notes"].push_back({{"name", "peer/" + peer.name}, {"what", what}});
}

void round::write(std::ostream& out) const { out << file_.dump() << '\n'; }

}  // namespace peers
