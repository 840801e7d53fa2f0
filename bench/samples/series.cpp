// Writes the samples of a launch as JSON.
#include "series.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "machine.hpp"

namespace workit::bench {
namespace {

std::string utc_now() {
  const auto now = std::time(nullptr);
  tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace

round_record::round_record() : began_(utc_now()), load_before_(load_average()) {}

void round_record::add(series s) {
  if (s.samples.empty()) throw std::invalid_argument("series " + s.name + " has no samples");
  const auto same = std::find_if(all_.begin(), all_.end(), [&](const series& a) { return a.name == s.name; });
  if (same == all_.end()) {
    all_.push_back(std::move(s));
    return;
  }
  if (same->unit != s.unit || same->floor != s.floor)
    throw std::invalid_argument("series " + s.name + " came twice, with another unit or floor");
  same->samples.insert(same->samples.end(), s.samples.begin(), s.samples.end());
}

const series* round_record::find(const std::string& name) const {
  for (const auto& s : all_)
    if (s.name == name) return &s;
  return nullptr;
}

std::string round_record::to_json() const {
  using nlohmann::json;
  const auto facts = machine();
  json file{{"format", "workit-bench/1"},
            {"machine",
             {{"cpu", facts.cpu},
              {"cpus", facts.cpus},
              {"kernel", facts.kernel},
              {"compiler", facts.compiler},
              {"build", WORKIT_BENCH_BUILD},
              {"hypervisor", facts.hypervisor},
              {"clock_resolution_ns", facts.clock_resolution_ns},
              {"load_before", load_before_},
              {"load_after", load_average()},
              {"began", began_},
              {"pinned", false}}},
            {"series", json::array()},
            {"skipped", json::array()}};
  for (const auto& s : all_) {
    json one{{"name", s.name}, {"unit", s.unit}, {"tags", s.tags}, {"samples", s.samples}};
    if (!s.floor.empty()) one["floor"] = s.floor;
    file["series"].push_back(std::move(one));
  }
  for (const auto& r : skipped_) file["skipped"].push_back({{"name", r.name}, {"why", r.text}});
  return file.dump();
}

void round_record::write(const std::string& path) const {
  std::ofstream out(path, std::ios::trunc);
  out << to_json() << '\n' << std::flush;
  if (!out) throw std::runtime_error("cannot write the samples to " + path + ": " + std::strerror(errno));
}

}  // namespace workit::bench
