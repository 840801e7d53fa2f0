// Runs the figures of a benchmark program in turns, with Google Benchmark for the timed loops.
#include "benchmarks/runner.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "measure/stopwatch.hpp"
#include "samples/percentile.hpp"

namespace workit::bench {
namespace {

bool full = false;
round_record* record = nullptr;

/// A loop that is timed, of a name without its argument.
struct timed_loop {
  std::string name, floor;
  void (*loop)(benchmark::State&);
  std::optional<std::int64_t> argument;
};
std::vector<timed_loop>& timed_loops() {
  static std::vector<timed_loop> all;
  return all;
}
constexpr int turns = 11;

std::string with_argument(const std::string& name, const std::optional<std::int64_t>& argument) {
  return argument ? name + "/" + std::to_string(*argument) : name;
}

/// The loops take turns, so that whatever slows the machine down for a second slows down a figure and its floor.
void register_timed_loops() {
  for (int turn = 0; turn < turns; ++turn)
    for (const auto& t : timed_loops()) {
      auto* const loop = benchmark::RegisterBenchmark(t.name.c_str(), t.loop)->MinTime(0.02)->UseRealTime();
      if (t.argument) loop->Arg(*t.argument);
    }
}

/// One line a series: short enough for a terminal of 100 columns.
void show(const series& s, double seconds) {
  const auto values = sorted(s.samples);
  std::fprintf(stderr, "%5.0f s  %-52s %9.4g %9.4g %-7s", seconds, s.name.c_str(), percentile(values, 0.5),
               percentile(values, 0.99), s.unit.c_str());
  if (const auto* floor = record->find(s.floor))
    std::fprintf(stderr, " %6.2fx", percentile(values, 0.5) / percentile(sorted(floor->samples), 0.5));
  std::fprintf(stderr, "\n");
}

/// Turns runs of timed loops into series. Shows what took its own samples as it ends, and the loops after their last
/// turn.
class progress final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override {
    std::fprintf(stderr, "%7s  %-52s %9s %9s %-7s %s\n", "", "figure", "p50", "p99", "unit", "p50 by its floor's");
    return true;
  }

  void ReportRuns(const std::vector<Run>& runs) override {
    for (const auto& run : runs) {
      const auto& [function, arguments] = std::tie(run.run_name.function_name, run.run_name.args);
      const auto name = arguments.empty() ? function : function + "/" + arguments;
      if (run.error_occurred) {
        record->skip(name, run.error_message);
        std::fprintf(stderr, "%5.0f s  %-52s skipped: %s\n", watch_.elapsed() * 1e-6, name.c_str(),
                     run.error_message.c_str());
        return;
      }
      const auto timed = std::ranges::find_if(
          timed_loops(), [&](const timed_loop& t) { return with_argument(t.name, t.argument) == name; });
      if (timed != timed_loops().end()) return add_turn(name, run, *timed);
    }
    show_new();
  }

  void Finalize() override { show_new(); }

 private:
  void add_turn(const std::string& name, const Run& run, const timed_loop& t) {
    if (!std::exchange(turns_have_begun_, true))
      std::fprintf(stderr, "%5.0f s  the timed loops take %d turns\n", watch_.elapsed() * 1e-6, turns);
    const auto count = run.counters.find("items");
    const double each = count == run.counters.end() ? 1 : count->second.value;
    const auto ns = run.real_accumulated_time / static_cast<double>(run.iterations) / each * 1e9;
    const auto floor = t.floor.empty() ? t.floor : with_argument(t.floor, t.argument);
    record->add({name, "ns", floor, {ns}, {{"subject", t.name.substr(0, t.name.find('/'))}}});
  }

  void show_new() {
    for (; shown_ < record->all().size(); ++shown_) show(record->all()[shown_], watch_.elapsed() * 1e-6);
  }

  std::size_t shown_ = 0;
  bool turns_have_begun_ = false;
  const stopwatch watch_;
};

/// Takes `flag` out of the arguments, and its value: null when it is not there.
const char* take(int& argc, char** argv, const std::string& flag, bool with_value) {
  for (int i = 1; i < argc; ++i) {
    if (argv[i] != flag) continue;
    const int taken = with_value ? 2 : 1;
    const char* value = !with_value ? argv[i] : i + 1 < argc ? argv[i + 1] : "";
    for (int k = i; k + taken <= argc; ++k) argv[k] = argv[k + taken];
    argc -= std::min(taken, argc - i);
    return value;
  }
  return nullptr;
}

}  // namespace

void sink::add(const std::string& event, std::vector<double> samples, const std::string& floor,
               const std::string& unit) {
  auto tags = tags_;
  if (!event.empty()) tags["event"] = event;
  const auto name = event.empty() ? prefix_ : prefix_ + "/" + event;
  if (samples.empty()) return record_.skip(name, "no sample was taken");
  record_.add({name, unit, floor, std::move(samples), std::move(tags)});
}

void measured(std::string name, std::map<std::string, std::string> tags, sample_counts counts,
              std::function<void(sink&, int n)> measure) {
  const auto run = [=](benchmark::State& state) {
    for (auto _ : state) try {
        sink to(*record, name, tags);
        measure(to, full ? counts.full : counts.quick);
      } catch (const std::exception& e) {
        state.SkipWithError(e.what());
        break;
      }
  };
  benchmark::RegisterBenchmark(name.c_str(), run)->Iterations(1)->Repetitions(1);
}

void timed(std::string name, std::string floor, void (*loop)(benchmark::State&), std::optional<std::int64_t> argument) {
  timed_loops().push_back({std::move(name), std::move(floor), loop, argument});
}

int run_benchmarks(int argc, char** argv) {
  const char* const file = take(argc, argv, "--samples", true);
  full = take(argc, argv, "--full", false) != nullptr;
  if (file != nullptr && *file == '\0') {
    std::fprintf(stderr, "%s: --samples needs the name of a file to write to\n", argv[0]);
    return 2;
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  register_timed_loops();
  round_record mine;
  record = &mine;
  progress show_progress;
  const auto ran = benchmark::RunSpecifiedBenchmarks(&show_progress);
  benchmark::Shutdown();
  if (ran == 0) return 2;  // it has said that the filter matches nothing
  if (file != nullptr) try {
      mine.write(file);
    } catch (const std::exception& e) {
      std::fprintf(stderr, "%s: %s\n", argv[0], e.what());
      return 1;
    }
  return 0;
}

}  // namespace workit::bench
