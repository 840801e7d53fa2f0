// Synthetic runs from a seed: heavy-tailed samples whose level drifts from round to round, as on a real machine.
#pragma once

#include <cmath>
#include <random>
#include <report/run.hpp>
#include <string>
#include <vector>

namespace workit::bench_report::test {

/// The distribution of a synthetic series.
struct shape {
  double median = 20;    ///< in the series' unit
  double spread = 0.25;  ///< standard deviation of the logarithm
  double tail = 0.02;    ///< share of samples that take ten times as long
  std::size_t rounds = 5;
  std::size_t samples = 300;  ///< a round
};

class synthetic {
 public:
  explicit synthetic(std::uint64_t seed) : random_(seed) {}

  /// A new level for one round: exp of a normal of that deviation.
  [[nodiscard]] double drift(double deviation) { return std::exp(deviation * normal_(random_)); }

  [[nodiscard]] std::vector<double> round(const shape& of, double level) {
    std::vector<double> samples(of.samples);
    for (double& value : samples) {
      value = of.median * level * std::exp(of.spread * normal_(random_));
      if (uniform_(random_) < of.tail) value *= 1 + 9 * uniform_(random_);
    }
    return samples;
  }

  [[nodiscard]] series make(std::string name, const shape& of, double deviation = 0.03,
                            std::optional<std::string> floor = {}, unit in = unit::microseconds) {
    series s{.name = std::move(name), .unit = in, .tags = {}, .floor = std::move(floor), .rounds = {}};
    for (std::size_t i = 0; i < of.rounds; ++i) s.rounds.push_back(round(of, drift(deviation)));
    return s;
  }

 private:
  std::mt19937_64 random_;
  std::normal_distribution<double> normal_;
  std::uniform_real_distribution<double> uniform_;
};

inline machine a_machine() {
  return {.cpu = "AMD EPYC",
          .cpus = 2,
          .kernel = "6.18.5",
          .compiler = "GCC 12.2.0",
          .build = "Release",
          .hypervisor = true,
          .pinned = false,
          .clock_resolution_ns = 1,
          .load_before = 0.42,
          .load_after = 1.1,
          .began = "2026-11-23T22:10:00Z"};
}

}  // namespace workit::bench_report::test
