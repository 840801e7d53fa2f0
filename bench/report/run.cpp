// What a run knows about itself.
#include "run.hpp"

#include <algorithm>

namespace workit::bench_report {

std::string_view to_string(unit u) noexcept {
  switch (u) {
    case unit::nanoseconds:
      return "ns";
    case unit::microseconds:
      return "us";
    case unit::bytes:
      return "B";
    case unit::items_per_second:
      return "items/s";
  }
  return "";
}

std::string_view series::tag(const std::string& key) const {
  const auto found = tags.find(key);
  return found == tags.end() ? std::string_view() : std::string_view(found->second);
}

const series* run::find(std::string_view name) const {
  const auto found = std::find_if(series.begin(), series.end(), [&](const auto& s) { return s.name == name; });
  return found == series.end() ? nullptr : &*found;
}

std::string run::why_absent(std::string_view name) const {
  for (const auto& s : skipped) {
    const bool above = name.starts_with(s.name) && (name.size() == s.name.size() || name[s.name.size()] == '/');
    if (above) return s.why;
  }
  return "the run has no series " + std::string(name);
}

std::size_t run::rounds() const {
  std::size_t most = 0;
  for (const auto& s : series) most = std::max(most, s.rounds.size());
  return most;
}

}  // namespace workit::bench_report
