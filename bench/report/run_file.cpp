// Runs as files: format workit-bench/1, of one round or merged.
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "run.hpp"

namespace workit::bench_report {
namespace {

using nlohmann::json;

constexpr std::string_view format = "workit-bench/1";

unit to_unit(const std::string& name) {
  for (const unit u : {unit::nanoseconds, unit::microseconds, unit::bytes, unit::items_per_second})
    if (to_string(u) == name) return u;
  throw bad_input("unit is \"" + name + "\"; allowed: ns, us, B, items/s");
}

machine to_machine(const json& j) {
  return {.cpu = j.at("cpu"),
          .cpus = j.at("cpus"),
          .kernel = j.at("kernel"),
          .compiler = j.at("compiler"),
          .build = j.at("build"),
          .hypervisor = j.value("hypervisor", false),
          .pinned = j.value("pinned", false),
          .clock_resolution_ns = j.value("clock_resolution_ns", 0.0),
          .load_before = j.value("load_before", 0.0),
          .load_after = j.value("load_after", 0.0),
          .began = j.value("began", "")};
}

json to_json(const machine& m) {
  return {{"cpu", m.cpu},
          {"cpus", m.cpus},
          {"kernel", m.kernel},
          {"compiler", m.compiler},
          {"build", m.build},
          {"hypervisor", m.hypervisor},
          {"pinned", m.pinned},
          {"clock_resolution_ns", m.clock_resolution_ns},
          {"load_before", m.load_before},
          {"load_after", m.load_after},
          {"began", m.began}};
}

std::vector<double> to_samples(const json& j) {
  if (!j.is_array() || j.empty()) throw bad_input("has no samples; a series that was not taken belongs in \"skipped\"");
  std::vector<double> samples;
  for (const json& value : j) {
    // JSON has no spelling for infinity or NaN: writers put null there.
    if (!value.is_number() || !std::isfinite(value.get<double>()))
      throw bad_input("sample " + std::to_string(samples.size() + 1) + " is " + value.dump() +
                      "; allowed: finite numbers");
    samples.push_back(value);
  }
  return samples;
}

series to_series(const json& j) {
  series s{.name = j.at("name"), .unit = to_unit(j.at("unit")), .tags = {}, .floor = {}, .rounds = {}};
  if (j.contains("tags")) s.tags = j["tags"].get<std::map<std::string, std::string>>();
  if (j.contains("floor") && !j["floor"].is_null()) s.floor = j["floor"];
  if (j.contains("samples")) {
    s.rounds.push_back(to_samples(j["samples"]));
    return s;
  }
  for (const json& round : j.at("rounds")) s.rounds.push_back(to_samples(round));
  if (s.rounds.empty()) throw bad_input("has no rounds");
  return s;
}

run to_run(const json& j) {
  if (!j.is_object() || j.value("format", json()) != format)
    throw bad_input("is not a file of the bench: its format is " +
                    (j.is_object() ? j.value("format", json()).dump() : "not stated") + "; allowed: \"" +
                    std::string(format) + "\"");
  run r;
  const json& machines = j.at("machine");
  // A peer's file says when it began and no more: the facts are in the files that it is merged with.
  for (const json& m : machines.is_array() ? machines : json::array({machines}))
    if (m.contains("cpu")) r.machines.push_back(to_machine(m));
  std::set<std::string> names;
  for (const json& s : j.at("series")) {
    const std::string name = s.at("name");
    if (!names.insert(name).second) throw bad_input("has the series \"" + name + "\" twice");
    try {
      r.series.push_back(to_series(s));
    } catch (const std::exception& error) {
      throw bad_input("series \"" + name + "\": " + error.what());
    }
  }
  for (const json& s : j.value("skipped", json::array())) r.skipped.push_back({s.at("name"), s.at("why")});
  // What no number can say of a peer stands in the same list.
  for (const json& n : j.value("notes", json::array())) r.skipped.push_back({n.at("name"), n.at("what")});
  return r;
}

}  // namespace

run read_run(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  // A folder opens like a file and fails at the first byte.
  if (!in || in.peek() == std::ifstream::traits_type::eof())
    throw bad_input("cannot read " + file.string() + ": " + (in.eof() ? "it is empty" : std::strerror(errno)));
  try {
    return to_run(json::parse(in));
  } catch (const std::exception& error) {
    throw bad_input(file.string() + ": " + error.what());
  }
}

void write_run(const run& r, const std::filesystem::path& file) {
  json out = {{"format", format}, {"machine", json::array()}, {"series", json::array()}, {"skipped", json::array()}};
  for (const machine& m : r.machines) out["machine"].push_back(to_json(m));
  for (const series& s : r.series) {
    json one = {{"name", s.name}, {"unit", to_string(s.unit)}, {"tags", s.tags}, {"rounds", s.rounds}};
    if (s.floor) one["floor"] = *s.floor;
    out["series"].push_back(std::move(one));
  }
  for (const skipped& s : r.skipped) out["skipped"].push_back({{"name", s.name}, {"why", s.why}});
  std::ofstream to(file, std::ios::binary);
  if (!(to << out.dump() << '\n' << std::flush))
    throw bad_input("cannot write " + file.string() + ": " + std::strerror(errno));
}

}  // namespace workit::bench_report
