// Stops, deadlines, refusals and round trips at the thread boundary, as a scope sees them.
#include <benchmark/benchmark.h>

#include <atomic>
#include <mutex>
#include <workit/workit.hpp>

#include "percentiles.hpp"

namespace {

using clock_type = std::chrono::steady_clock;
using workit::bench::report;

const workit::offload_options at_thread{.boundary = workit::boundary::thread};

double seconds(clock_type::duration d) { return std::chrono::duration<double>(d).count(); }

void compute() {
  for (volatile double x = 1;;) x = x * 1.0000001 + 0.1;
}

void allocate() {
  for (unsigned i = 1;; ++i) {
    std::vector<char> some(16 + i % 1000);
    benchmark::DoNotOptimize(some.data());
  }
}

/// Runs `body` in a scope until it is complete and returns its receipt.
template <class F>
workit::scope_receipt receipt_of(workit::runtime& rt, workit::scope_options options, F body) {
  workit::scope_receipt receipt;
  std::atomic<bool> complete{false};
  options.on_receipt = [&](const workit::scope_receipt& r) {
    receipt = r;
    complete.store(true);
    complete.notify_all();
  };
  try {
    rt.run(std::move(options), body);
  } catch (const workit::scope_cancelled&) {
  } catch (const workit::timed_out&) {
  }
  complete.wait(false);
  return receipt;
}

void scope_stop(benchmark::State& state, void (*victim)()) {
  workit::runtime rt({}, workit::threads({.threads = 1}));
  std::vector<double> stopped, closed;
  for (auto _ : state) {
    const auto receipt = receipt_of(rt, {}, [&](workit::scope& s) {
      s.spawn({.name = "victim"}, workit::offload(at_thread, victim));
      s.sleep_for(std::chrono::milliseconds(3));
      s.cancel("enough");
    });
    stopped.push_back(seconds(receipt.stops.at(0).receipt.stopped - *receipt.requested));
    closed.push_back(seconds(receipt.closed - *receipt.requested));
    state.SetIterationTime(stopped.back());
  }
  report(state, std::move(stopped));
  report(state, std::move(closed), "closed_");
}
BENCHMARK_CAPTURE(scope_stop, compute, compute)->Iterations(1000)->UseManualTime();
BENCHMARK_CAPTURE(scope_stop, allocate, allocate)->Iterations(1000)->UseManualTime();

/// How long after the deadline the last instruction was.
void scope_deadline(benchmark::State& state) {
  workit::runtime rt({}, workit::threads({.threads = 1}));
  std::vector<double> late, closed;
  for (auto _ : state) {
    const auto receipt = receipt_of(rt, {.deadline = std::chrono::milliseconds(3)},
                                    [&](workit::scope& s) { workit::offload(at_thread, compute)(s); });
    const auto due = receipt.opened + std::chrono::milliseconds(3);
    late.push_back(seconds(receipt.stops.at(0).receipt.stopped - due));
    closed.push_back(seconds(receipt.closed - due));
    state.SetIterationTime(std::max(late.back(), 1e-9));
  }
  report(state, std::move(late));
  report(state, std::move(closed), "closed_");
}
BENCHMARK(scope_deadline)->Iterations(1000)->UseManualTime();

std::mutex held;
std::atomic<bool> let_out{false};
void compute_under_a_lock() {
  const std::lock_guard guard(held);
  while (!let_out.load(std::memory_order_relaxed)) {
  }
}

/// From the refusal of a stop to the result of the next task, while the stuck one burns a CPU.
void next_task_after_a_refusal(benchmark::State& state) {
  workit::runtime rt({}, workit::threads({.threads = 1, .spares = 1, .patience = std::chrono::milliseconds(1)}));
  const auto pool = workit::find_threads(rt, "");
  std::vector<double> samples;
  for (auto _ : state) {
    let_out = false;
    const auto receipt = receipt_of(rt, {}, [&](workit::scope& s) {
      s.spawn({.name = "victim"}, workit::offload(at_thread, compute_under_a_lock));
      s.sleep_for(std::chrono::milliseconds(3));
      s.cancel("enough");
    });
    rt.run([&](workit::scope& s) {
      benchmark::DoNotOptimize(workit::offload(at_thread, [] { return 1; })(s));
      samples.push_back(seconds(clock_type::now() - receipt.stops.at(0).receipt.stopped));
    });
    state.SetIterationTime(samples.back());
    let_out = true;
    while (!pool->status().refused.empty()) std::this_thread::yield();
  }
  report(state, std::move(samples));
}
BENCHMARK(next_task_after_a_refusal)->Iterations(200)->UseManualTime();

void round_trip(benchmark::State& state, workit::boundary where) {
  workit::runtime rt({}, workit::threads({.threads = 1}), workit::arena({.threads = 1}));
  std::vector<double> samples;
  rt.run([&](workit::scope& s) {
    for (auto _ : state) {
      const auto began = clock_type::now();
      benchmark::DoNotOptimize(workit::offload(
          {.boundary = where}, [](int a, int b) { return a + b; }, 1, 2)(s));
      samples.push_back(seconds(clock_type::now() - began));
      state.SetIterationTime(samples.back());
    }
  });
  report(state, std::move(samples));
}
BENCHMARK_CAPTURE(round_trip, thread, workit::boundary::thread)->UseManualTime();
BENCHMARK_CAPTURE(round_trip, cooperative, workit::boundary::cooperative)->UseManualTime();

}  // namespace
