// The round trip of a payload through the process boundary, by value and as a shared buffer, beside memcpy.
#include <benchmark/benchmark.h>

#include <cstring>
#include <vector>
#include <workit/workit.hpp>

#include "percentiles.hpp"

namespace {

using clock_type = std::chrono::steady_clock;
using workit::bench::report;

std::uint64_t size_of(const std::vector<std::byte>& bytes) { return bytes.size(); }
std::uint64_t size_of_shared(workit::shared_buffer bytes) { return bytes.size(); }

double seconds(clock_type::duration d) { return std::chrono::duration<double>(d).count(); }

void floor_memcpy(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  std::vector<std::byte> from(size, std::byte{1}), to(size, std::byte{2});
  std::vector<double> samples;
  for (auto _ : state) {
    const auto began = clock_type::now();
    std::memcpy(to.data(), from.data(), size);
    benchmark::ClobberMemory();
    samples.push_back(seconds(clock_type::now() - began));
    state.SetIterationTime(samples.back());
  }
  report(state, std::move(samples));
}

template <class Call>
void round_trips(benchmark::State& state, Call call) {
  workit::runtime rt({}, workit::processes({.workers = 1, .spares = 0}));
  std::vector<double> samples;
  rt.run([&](workit::scope& s) {
    for (auto _ : state) {
      const auto began = clock_type::now();
      benchmark::DoNotOptimize(call(s));
      samples.push_back(seconds(clock_type::now() - began));
      state.SetIterationTime(samples.back());
    }
  });
  report(state, std::move(samples));
}

void by_value(benchmark::State& state) {
  const std::vector<std::byte> bytes(static_cast<std::size_t>(state.range(0)), std::byte{1});
  round_trips(state, [&](workit::scope& s) { return workit::offload({}, size_of, bytes)(s); });
}

void by_shared_buffer(benchmark::State& state) {
  workit::shared_buffer bytes(static_cast<std::size_t>(state.range(0)));
  std::memset(bytes.write().data(), 1, bytes.size());
  bytes.seal();
  round_trips(state, [&](workit::scope& s) { return workit::offload({}, size_of_shared, bytes)(s); });
}

constexpr std::int64_t kib = 1 << 10, mib = 1 << 20;
BENCHMARK(floor_memcpy)->Arg(8)->Arg(64 * kib)->Arg(mib)->Arg(64 * mib)->UseManualTime();
BENCHMARK(by_value)->Arg(8)->Arg(64 * kib)->Arg(mib)->Arg(64 * mib)->UseManualTime();
BENCHMARK(by_shared_buffer)->Arg(8)->Arg(64 * kib)->Arg(mib)->Arg(64 * mib)->UseManualTime();

}  // namespace
