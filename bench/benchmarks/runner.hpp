// Runs the benchmarks of a program, shows each as it ends, and keeps the raw samples.
#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "samples/series.hpp"

namespace workit::bench {

/// How many samples a launch takes: in the short form of the run, and in the long one.
struct sample_counts {
  int quick = 30, full = 200;
};

/// What a figure that takes its own samples is given: where they go.
class sink {
 public:
  sink(round_record& record, std::string prefix, std::map<std::string, std::string> tags)
      : record_(record), prefix_(std::move(prefix)), tags_(std::move(tags)) {}

  /// Adds the series `prefix/event` (or `prefix`, of an empty event) in microseconds, or that unit. No samples: says
  /// that it was not measured.
  void add(const std::string& event, std::vector<double> samples, const std::string& floor = "",
           const std::string& unit = "us");
  void skip(std::string why) { record_.skip(prefix_, std::move(why)); }

 private:
  round_record& record_;
  const std::string prefix_;
  const std::map<std::string, std::string> tags_;
};

/// Registers a figure that takes its own samples: measure(where they go, how many). What it throws is reported as the
/// reason why it was skipped.
void measured(std::string name, std::map<std::string, std::string> tags, sample_counts counts,
              std::function<void(sink&, int n)> measure);

/// Registers a timed loop, whose turns are the samples: nanoseconds an iteration, or an item when it has called
/// items(). `floor`: the name of what it is a ratio of. `argument` is the loop's range(0), and both names end in it.
void timed(std::string name, std::string floor, void (*loop)(benchmark::State&),
           std::optional<std::int64_t> argument = {});

/// Says that each iteration of the loop handles `count` items.
inline void items(benchmark::State& state, double count) { state.counters["items"] = count; }

/// main() of a benchmark program: `--samples FILE`, `--full`, and the arguments of Google Benchmark. The exit status.
int run_benchmarks(int argc, char** argv);

}  // namespace workit::bench
