// Gathering each peer's series by their tags.
#include "peers.hpp"

#include <algorithm>
#include <charconv>

#include "distribution.hpp"

namespace workit::bench_report {

std::vector<peer> peers_of(const run& r) {
  std::vector<peer> all;
  for (const series& s : r.series) {
    if (s.tag("subject") != "peer" || (!s.tag("memory_mib").empty() && s.tag("memory_mib") != "0")) continue;
    auto found = std::find_if(all.begin(), all.end(), [&](const peer& p) { return p.name == s.tag("peer"); });
    if (found == all.end()) {
      all.push_back({.name = std::string(s.tag("peer")), .stops = std::string(s.tag("stops"))});
      found = all.end() - 1;
    }
    if (s.tag("event") == "caller_resumed") found->resumed = &s;
    if (s.tag("event") == "last_instruction") found->last_instruction = &s;
    if (s.tag("event") == "next_task") found->next_task = &s;
  }
  std::erase_if(all, [](const peer& p) { return p.resumed == nullptr && p.last_instruction == nullptr; });
  for (peer& p : all) {
    p.stopped = p.resumed != nullptr ? p.resumed : p.last_instruction;
    if (p.resumed == nullptr || p.last_instruction == nullptr) continue;
    p.only_stopped_waiting = distribution(*p.resumed).at(0.5) < distribution(*p.last_instruction).at(0.5);
    if (p.only_stopped_waiting) p.stopped = p.last_instruction;
  }
  return all;
}

double memory_mib(std::string_view name) {
  const auto end = name.find("MiB");
  if (end == std::string_view::npos) return 0;
  const auto begin = name.find_last_not_of("0123456789", end - 1) + 1;
  double size = 0;
  std::from_chars(name.data() + begin, name.data() + end, size);
  return size;
}

}  // namespace workit::bench_report
