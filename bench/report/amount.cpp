// Writing amounts.
#include "amount.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <set>

namespace workit::bench_report {
namespace {

std::string printed(const char* format, double value) {
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

struct scale {
  double size;
  const char* name;
};

/// The largest of the scales that the value reaches, or the smallest.
std::string scaled(double value, const std::vector<scale>& scales) {
  for (const scale& s : scales)
    // 999.6 would be printed as 1000 of the smaller unit.
    if (std::abs(value) >= 0.9995 * s.size || &s == &scales.back()) return three_digits(value / s.size) + ' ' + s.name;
  return "";
}

/// "a", or "a, b" when the machines differ.
template <class Field>
std::string all_of(const run& r, Field field) {
  std::set<std::string> values;
  std::string text;
  for (const machine& m : r.machines)
    if (std::string value = field(m); values.insert(value).second) text += (text.empty() ? "" : " and ") + value;
  return text;
}

}  // namespace

std::string three_digits(double value) {
  const double size = std::abs(value);
  if (size >= 99.95) return printed("%.0f", value);
  if (size >= 9.995) return printed("%.1f", value);
  if (size >= 0.0995 || size == 0) return printed("%.2f", value);
  return printed("%.3g", value);
}

std::string times(double ratio) { return (ratio >= 0 && ratio < 0.01 ? "<0.01" : three_digits(ratio)) + " x"; }

std::string without_trailing_zeros(std::string amount) {
  const auto point = amount.find('.');
  if (point == std::string::npos) return amount;
  const auto end = std::min(amount.find(' ', point), amount.size());
  const auto last = amount.find_last_not_of('0', end - 1);
  return amount.erase(last == point ? point : last + 1, end - (last == point ? point : last + 1));
}

std::string amount(double value, unit u) {
  switch (u) {
    case unit::nanoseconds:
      return scaled(value, {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {1, "ns"}});
    case unit::microseconds:
      return scaled(value, {{1e6, "s"}, {1e3, "ms"}, {1, "us"}, {1e-3, "ns"}});
    case unit::bytes:
      return scaled(value, {{1024.0 * 1024 * 1024, "GiB"}, {1024.0 * 1024, "MiB"}, {1024, "KiB"}, {1, "B"}});
    case unit::items_per_second:
      return scaled(value, {{1e9, "G/s"}, {1e6, "M/s"}, {1e3, "k/s"}, {1, "/s"}});
  }
  return "";
}

std::vector<std::string> machine_facts(const run& r) {
  double least = r.machines.front().load_before, most = least;
  for (const machine& m : r.machines) {
    least = std::min({least, m.load_before, m.load_after});
    most = std::max({most, m.load_before, m.load_after});
  }
  const auto& first = r.machines.front();
  return {all_of(r, [](const machine& m) { return m.cpu + ", " + std::to_string(m.cpus) + " CPUs"; }) +
              (first.hypervisor ? " (virtual)" : ""),
          all_of(r, [](const machine& m) { return "Linux " + m.kernel; }),
          all_of(r, [](const machine& m) { return m.compiler + ", " + m.build; }),
          first.pinned ? "pinned" : "not pinned",
          "clock of " + three_digits(first.clock_resolution_ns) + " ns",
          std::to_string(r.rounds()) + (r.rounds() == 1 ? " round" : " rounds") + " from " + first.began,
          "load " + three_digits(least) + " to " + three_digits(most)};
}

}  // namespace workit::bench_report
