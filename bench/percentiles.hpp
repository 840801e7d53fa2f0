// Percentiles of raw samples as counters of a benchmark: a mean says nothing of a stop.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <vector>

namespace workit::bench {

/// Adds p50, p90, p99 and the largest of `samples` (seconds) as counters in microseconds.
inline void report(benchmark::State& state, std::vector<double> samples, const std::string& prefix = "") {
  if (samples.empty()) return;
  std::sort(samples.begin(), samples.end());
  const auto at = [&](double p) {
    const auto i = static_cast<std::size_t>(p * static_cast<double>(samples.size()));
    return samples[std::min(samples.size() - 1, i)] * 1e6;
  };
  state.counters[prefix + "p50_us"] = at(0.50);
  state.counters[prefix + "p90_us"] = at(0.90);
  state.counters[prefix + "p99_us"] = at(0.99);
  state.counters[prefix + "max_us"] = samples.back() * 1e6;
}

}  // namespace workit::bench
