// work(): items a second, beside tasks that are spawned by hand, and the memory of a million of them.
#include <cstdio>
#include <fstream>
#include <workit/workit.hpp>

#include "benchmarks/figures.hpp"
#include "benchmarks/runner.hpp"

namespace workit::bench {
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

void spawn_by_hand(benchmark::State& state) {
  runtime rt;
  rt.run([&](scope& s) {
    for (auto _ : state)
      s.scope([](scope& inner) {
        for (int i = 0; i < batch; ++i) inner.spawn([] {});
      });
  });
  items(state, batch);
}

void work_for_each(benchmark::State& state) {
  runtime rt;
  const auto rows = std::vector<int>(batch, 1);
  rt.run([&](scope& s) {
    auto job = work(rows).in_parallel(16).for_each([](int row) { return row; });
    for (auto _ : state) benchmark::DoNotOptimize(job(s));
  });
  items(state, batch);
}

void work_stream_16_wide(benchmark::State& state) {
  runtime rt;
  rt.run([&](scope& s) {
    auto stream = work(endless()).in_parallel(16).map([](int row) { return row; }).stream(s);
    for (auto _ : state)
      for (int i = 0; i < batch; ++i) benchmark::DoNotOptimize(stream.next());
  });
  items(state, batch);
}

/// How much resident memory grows between the 10,000th item of a stream and the 1,000,000th, bytes.
double growth_of_a_million() {
  runtime rt;
  double grown = 0;
  rt.run([&](scope& s) {
    int taken = 0;
    double early = 0;
    for (const int row : work(endless()).in_parallel(16).map([](int r) { return r; }).stream(s)) {
      benchmark::DoNotOptimize(row);
      if (++taken == 10'000) early = resident_bytes();
      if (taken == 1'000'000) break;
    }
    grown = resident_bytes() - early;
  });
  return grown;
}

}  // namespace

void add_work() {
  timed("work/spawn_by_hand", "", spawn_by_hand);
  timed("work/for_each", "work/spawn_by_hand", work_for_each);
  timed("work/stream_16_wide", "work/spawn_by_hand", work_stream_16_wide);
  measured("work/memory_of_a_million", {{"subject", "work"}}, {1, 3}, [](sink& to, int n) {
    std::vector<double> bytes;
    for (int i = 0; i < n; ++i) bytes.push_back(growth_of_a_million());
    to.add("", bytes, "", "B");
  });
}

}  // namespace workit::bench
