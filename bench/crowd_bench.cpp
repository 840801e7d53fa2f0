// Many victims at once, and the next task after a kill, beside the same with bare processes.
#include <benchmark/benchmark.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <vector>
#include <workit/workit.hpp>

#include "percentiles.hpp"

namespace {

using clock_type = std::chrono::steady_clock;
using workit::bench::report;

constexpr int victims = 8;

[[noreturn]] void spin() {
  for (std::atomic<std::uint64_t> n{0};;) n.fetch_add(1, std::memory_order_relaxed);
}
void spin_in_worker() { spin(); }

double seconds(clock_type::duration d) { return std::chrono::duration<double>(d).count(); }

void floor_eight_kills_to_proof(benchmark::State& state) {
  ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0);
  std::vector<double> samples;
  for (auto _ : state) {
    std::vector<pid_t> children;
    for (int i = 0; i < victims; ++i) {
      children.push_back(::fork());  // the benchmark's process has one thread here
      if (children.back() == 0) spin();
    }
    ::usleep(20000);
    const auto began = clock_type::now();
    for (const auto child : children) ::kill(child, SIGKILL);
    ::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
    samples.push_back(seconds(clock_type::now() - began));
    state.SetIterationTime(samples.back());
    for (const auto child : children) ::waitpid(child, nullptr, 0);
  }
  report(state, std::move(samples));
}
BENCHMARK(floor_eight_kills_to_proof)->Iterations(100)->UseManualTime();

/// From the request to the proof of the last of eight.
void eight_stops(benchmark::State& state) {
  workit::runtime rt({}, workit::processes({.workers = victims, .spares = 1}));
  std::vector<double> stopped, closed;
  for (auto _ : state) {
    workit::scope_receipt receipt;
    std::atomic<bool> complete{false};
    const auto keep = [&](const workit::scope_receipt& r) {
      receipt = r;
      complete.store(true);
      complete.notify_all();
    };
    try {
      rt.run({.name = "bench", .on_receipt = keep}, [&](workit::scope& s) {
        for (int i = 0; i < victims; ++i) s.spawn({.name = "spin"}, workit::offload({}, spin_in_worker));
        s.sleep_for(std::chrono::milliseconds(60));
        s.cancel("enough");
        s.check();
      });
    } catch (const workit::scope_cancelled&) {
    }
    complete.wait(false);
    double last = 0;
    for (const auto& s : receipt.stops) last = std::max(last, seconds(s.receipt.stopped - *receipt.requested));
    stopped.push_back(last);
    closed.push_back(seconds(receipt.closed - *receipt.requested));
    state.SetIterationTime(last);
  }
  report(state, std::move(stopped));
  report(state, std::move(closed), "closed_");
}
BENCHMARK(eight_stops)->Iterations(60)->UseManualTime();

/// From the request that a task be killed to the result of the next one, on the spare.
void next_task_after_a_kill(benchmark::State& state) {
  workit::runtime rt({}, workit::processes({.workers = 1, .spares = 1}));
  std::vector<double> samples;
  rt.run([&](workit::scope& s) {
    for (auto _ : state) {
      auto victim = s.spawn({.name = "spin"}, workit::offload({}, spin_in_worker));
      s.sleep_for(std::chrono::milliseconds(20));  // the killed one's successor is parked by then
      const auto began = clock_type::now();
      victim.cancel("enough");
      benchmark::DoNotOptimize(workit::offload({}, [] { return 1; })(s));
      samples.push_back(seconds(clock_type::now() - began));
      state.SetIterationTime(samples.back());
    }
  });
  report(state, std::move(samples));
}
BENCHMARK(next_task_after_a_kill)->Iterations(100)->UseManualTime();

}  // namespace
