// Writes the figures as a table, as JSON, and against a bound.
#include "figure.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "report/amount.hpp"
#include "samples/machine.hpp"
#include "samples/percentile.hpp"

namespace workit::latency {
namespace {

using bench::percentile;

template <class... Values>
std::string format(const char* form, Values... values) {
  std::array<char, 200> line{};
  std::snprintf(line.data(), line.size(), form, values...);
  return line.data();
}

std::string time_text(double us) { return bench_report::amount(us, bench_report::unit::microseconds); }

const figure* find(const std::vector<figure>& figures, const std::string& name) {
  const auto it = std::find_if(figures.begin(), figures.end(), [&](const figure& f) { return f.name == name; });
  return it == figures.end() || it->sorted.empty() ? nullptr : &*it;
}

/// Its p50 by that of its floor; 0 when there is none.
double ratio(const std::vector<figure>& figures, const figure& f) {
  const auto* floor = f.floor.empty() ? nullptr : find(figures, f.floor);
  return floor == nullptr ? 0 : percentile(f.sorted, 0.5) / percentile(floor->sorted, 0.5);
}

/// How many lie in each power of two of microseconds, a line each.
std::string histogram(const std::vector<double>& sorted) {
  constexpr int width = 40;
  const auto bucket = [](double v) { return static_cast<int>(std::floor(std::log2(std::max(v, 0.5)))); };
  const int first = bucket(sorted.front()), last = bucket(sorted.back());
  std::vector<int> counts(static_cast<std::size_t>(last - first + 1));
  for (const double v : sorted) ++counts[static_cast<std::size_t>(bucket(v) - first)];
  const int most = *std::max_element(counts.begin(), counts.end());
  std::string text;
  for (int b = first; b <= last; ++b) {
    const int count = counts[static_cast<std::size_t>(b - first)];
    // A single one among thousands is what one looks for: it has its mark.
    const int length = count == 0 ? 0 : std::max(1, count * width / most);
    text +=
        format("    %8s to %-8s  %6d  ", time_text(std::exp2(b)).c_str(), time_text(std::exp2(b + 1)).c_str(), count) +
        std::string(static_cast<std::size_t>(length), '#') + "\n";
  }
  return text;
}

}  // namespace

double parse_time(const std::string& text) {
  std::size_t digits = 0;
  double value = 0;
  try {
    value = std::stod(text, &digits);
  } catch (const std::exception&) {
    digits = 0;
  }
  const auto unit = text.substr(digits);
  const double scale = unit == "us" ? 1 : unit == "ms" ? 1e3 : unit == "s" ? 1e6 : 0;
  if (digits == 0 || scale == 0 || !(value > 0) || !std::isfinite(value))
    throw std::invalid_argument("'" + text +
                                "' is not a time: allowed is a number above 0 with us, ms or s, as in 200us");
  return value * scale;
}

std::vector<std::string> broken(const bound& limit, const std::vector<figure>& figures) {
  std::vector<std::string> all;
  if (limit.p99_us == 0) return all;
  for (const auto& f : figures) {
    if (!f.stop || std::count(limit.boundaries.begin(), limit.boundaries.end(), f.name) == 0) continue;
    if (!f.missing.empty())
      all.push_back(f.name + ": could not be measured: " + f.missing);
    else if (f.refused != 0)
      all.push_back(f.name + ": " + std::to_string(f.refused) + " stops were refused");
    else if (const auto p99 = percentile(f.sorted, 0.99); p99 > limit.p99_us)
      all.push_back(f.name + ": p99 is " + time_text(p99) + ", and " + time_text(limit.p99_us) + " was the bound");
  }
  return all;
}

std::string to_text(const std::vector<figure>& figures) {
  std::string text = format("%-11s %-34s %8s %8s %8s %6s\n", "", "", "p50", "p99", "max", "p50 by");
  text += format("%-11s %-34s %8s %8s %8s %6s\n", "", "", "", "", "", "floor");
  for (const auto& f : figures) {
    if (!f.missing.empty()) {
      text += format("%-11s not measured: ", f.name.c_str()) + f.missing + "\n";
      continue;
    }
    const double by = ratio(figures, f);
    text += format("%-11s %-34s %8s %8s %8s %6s\n", f.name.c_str(), f.what.c_str(),
                   time_text(percentile(f.sorted, 0.5)).c_str(), time_text(percentile(f.sorted, 0.99)).c_str(),
                   time_text(f.sorted.back()).c_str(), by == 0 ? "" : format("%.2fx", by).c_str());
  }
  for (const auto& f : figures) {
    if (!f.stop || !f.missing.empty()) continue;
    text += format("\n  %s: %zu stops", f.name.c_str(), f.sorted.size()) +
            (f.proof.empty() ? "" : ", proof: " + f.proof) +
            (f.refused == 0 ? "" : format(", %d more were refused", f.refused)) + "\n" + histogram(f.sorted);
  }
  return text;
}

std::string to_json(const std::vector<figure>& figures, const std::vector<std::string>& findings, const bound& limit) {
  using nlohmann::json;
  const auto facts = bench::machine();
  json out{{"format", "workit-latency/1"},
           {"machine",
            {{"cpu", facts.cpu},
             {"cpus", facts.cpus},
             {"kernel", facts.kernel},
             {"hypervisor", facts.hypervisor},
             {"load", bench::load_average()}}},
           {"findings", findings},
           {"figures", json::array()}};
  for (const auto& f : figures) {
    json one{{"name", f.name}, {"what", f.what}};
    if (!f.missing.empty()) {
      one["missing"] = f.missing;
    } else {
      one["n"] = f.sorted.size();
      for (const auto& [key, p] : {std::pair{"p50_us", 0.5}, {"p90_us", 0.9}, {"p99_us", 0.99}, {"max_us", 1.0}})
        one[key] = percentile(f.sorted, p);
      if (const auto by = ratio(figures, f); by != 0) one["p50_by_floor"] = by;
      if (!f.proof.empty()) one["proof"] = f.proof;
      if (f.stop) one["refused"] = f.refused;
    }
    out["figures"].push_back(std::move(one));
  }
  if (limit.p99_us != 0) {
    const auto why = broken(limit, figures);
    out["bound"] = {
        {"max_stop_p99_us", limit.p99_us}, {"boundaries", limit.boundaries}, {"holds", why.empty()}, {"broken", why}};
  }
  return out.dump();
}

}  // namespace workit::latency
