// Joining rounds into a run.
#include <algorithm>
#include <unordered_map>

#include "run.hpp"

namespace workit::bench_report {
namespace {

std::string shown(const std::optional<std::string>& floor) { return floor ? '"' + *floor + '"' : "none"; }

/// Throws when the series means something else in the two files.
void expect_same(const series& a, const std::string& in_a, const series& b, const std::string& in_b) {
  if (a.unit != b.unit)
    throw bad_input("series \"" + a.name + "\" is in " + std::string(to_string(a.unit)) + " in " + in_a + " and in " +
                    std::string(to_string(b.unit)) + " in " + in_b + ": these are not rounds of one run");
  if (a.floor != b.floor)
    throw bad_input("series \"" + a.name + "\" has the floor " + shown(a.floor) + " in " + in_a + " and " +
                    shown(b.floor) + " in " + in_b + ": these are not rounds of one run");
}

}  // namespace

run merge(const std::vector<std::filesystem::path>& files) {
  run whole;
  struct place {
    std::size_t index;
    std::string file;  // that had the series first
  };
  std::unordered_map<std::string, place> places;
  for (const auto& file : files) {
    run part = read_run(file);
    whole.machines.insert(whole.machines.end(), part.machines.begin(), part.machines.end());
    for (series& s : part.series) {
      const auto [found, is_new] = places.try_emplace(s.name, place{whole.series.size(), file.string()});
      if (is_new) {
        whole.series.push_back(std::move(s));
        continue;
      }
      series& first = whole.series[found->second.index];
      expect_same(first, found->second.file, s, file.string());
      first.rounds.insert(first.rounds.end(), s.rounds.begin(), s.rounds.end());
    }
    for (skipped& s : part.skipped)
      if (std::find(whole.skipped.begin(), whole.skipped.end(), s) == whole.skipped.end())
        whole.skipped.push_back(std::move(s));
  }
  if (whole.machines.empty())
    throw bad_input("none of the files names its machine: give those of our own programs too");
  return whole;
}

}  // namespace workit::bench_report
