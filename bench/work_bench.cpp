// work(): items a second, beside tasks that are spawned by hand, and the memory of a million of them.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <fstream>
#include <workit/workit.hpp>

namespace {

constexpr int batch = 10'000;

/// Resident memory of this process, bytes (proc(5), statm).
double resident_bytes() {
  long total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return static_cast<double>(resident) * 4096;
}

auto endless() {
  return [row = 0]() mutable { return std::optional(row++); };
}

void floor_spawn_join(benchmark::State& state) {
  workit::runtime rt;
  rt.run([&](workit::scope& s) {
    for (auto _ : state)
      s.scope([](workit::scope& inner) {
        for (int i = 0; i < batch; ++i) inner.spawn([] {});
      });
  });
  state.SetItemsProcessed(state.iterations() * batch);
}
BENCHMARK(floor_spawn_join);

void work_for_each(benchmark::State& state) {
  workit::runtime rt;
  const auto rows = std::vector<int>(batch, 1);
  rt.run([&](workit::scope& s) {
    auto job = workit::work(rows).in_parallel(16).for_each([](int row) { return row; });
    for (auto _ : state) benchmark::DoNotOptimize(job(s));
  });
  state.SetItemsProcessed(state.iterations() * batch);
}
BENCHMARK(work_for_each);

void work_stream_16_wide(benchmark::State& state) {
  workit::runtime rt;
  rt.run([&](workit::scope& s) {
    auto stream = workit::work(endless()).in_parallel(16).map([](int row) { return row; }).stream(s);
    for (auto _ : state)
      for (int i = 0; i < batch; ++i) benchmark::DoNotOptimize(stream.next());
  });
  state.SetItemsProcessed(state.iterations() * batch);
}
BENCHMARK(work_stream_16_wide);

/// AC-10: resident memory between the 10,000th item of a stream and the 1,000,000th.
void work_stream_memory_of_a_million(benchmark::State& state) {
  workit::runtime rt;
  double grown = 0;
  for (auto _ : state)
    rt.run([&](workit::scope& s) {
      int taken = 0;
      double early = 0;
      for (const int row : workit::work(endless()).in_parallel(16).map([](int r) { return r; }).stream(s)) {
        benchmark::DoNotOptimize(row);
        if (++taken == 10'000) early = resident_bytes();
        if (taken == 1'000'000) break;
      }
      grown = resident_bytes() - early;
    });
  state.SetItemsProcessed(state.iterations() * 1'000'000);
  state.counters["grown_bytes"] = grown;
}
BENCHMARK(work_stream_memory_of_a_million)->Iterations(1)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
