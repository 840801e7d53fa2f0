// Stops at the process boundary: requested to proven, beside a bare SIGKILL and membarrier on a child like it.
#include <benchmark/benchmark.h>
#include <linux/membarrier.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <workit/workit.hpp>

#include "percentiles.hpp"

namespace {

using workit::bench::report;
using clock_type = std::chrono::steady_clock;

void touch(std::size_t mib) {
  const auto bytes = mib << 20;
  if (bytes == 0) return;
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  madvise(memory, bytes, MADV_NOHUGEPAGE);
  std::memset(memory, 1, bytes);
}

void spin_for_ever(std::size_t mib, int ready) {
  touch(mib);
  if (ready >= 0) (void)!write(ready, "r", 1);
  std::atomic<std::uint64_t> n{0};
  for (;;) n.fetch_add(1, std::memory_order_relaxed);
}

int spin_behind_boundary(std::uint64_t mib) {
  spin_for_ever(mib, -1);
  return 0;
}

int add(int a, int b) { return a + b; }

void floor_kill_to_proof(benchmark::State& state) {
  syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0);
  std::vector<double> samples;
  for (auto _ : state) {
    int ready[2];
    if (pipe(ready) != 0) return state.SkipWithError("no pipe");
    const auto child = fork();  // the benchmark's process has one thread here
    if (child == 0) spin_for_ever(static_cast<std::size_t>(state.range(0)), ready[1]);
    char c;
    (void)!read(ready[0], &c, 1);
    usleep(2000);
    const auto began = clock_type::now();
    kill(child, SIGKILL);
    syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
    samples.push_back(std::chrono::duration<double>(clock_type::now() - began).count());
    state.SetIterationTime(samples.back());
    waitpid(child, nullptr, 0);
    close(ready[0]);
    close(ready[1]);
  }
  report(state, std::move(samples));
}
BENCHMARK(floor_kill_to_proof)->Arg(0)->Arg(64)->Arg(1024)->Iterations(60)->UseManualTime();

void process_stop(benchmark::State& state) {
  workit::runtime rt({}, workit::processes({.workers = 1, .spares = 1}));
  std::vector<double> stopped, closed, reclaimed;
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
        s.spawn({.name = "spin"},
                workit::offload({}, spin_behind_boundary, static_cast<std::uint64_t>(state.range(0))));
        s.sleep_for(std::chrono::milliseconds(20 + state.range(0)));
        s.cancel("enough");
        s.check();
      });
    } catch (const workit::scope_cancelled&) {
    }
    complete.wait(false);
    const auto seconds = [&](auto instant) {
      return std::chrono::duration<double>(instant - *receipt.requested).count();
    };
    stopped.push_back(seconds(receipt.stops.at(0).receipt.stopped));
    closed.push_back(seconds(receipt.closed));
    reclaimed.push_back(seconds(*receipt.stops.at(0).receipt.reclaimed));
    state.SetIterationTime(stopped.back());
  }
  report(state, std::move(stopped));
  report(state, std::move(closed), "closed_");
  report(state, std::move(reclaimed), "reclaimed_");
}
BENCHMARK(process_stop)->Arg(0)->Arg(64)->Arg(1024)->Iterations(60)->UseManualTime();

void offload_round_trip(benchmark::State& state) {
  workit::runtime rt({}, workit::processes({.workers = 1, .spares = 0}));
  std::vector<double> samples;
  rt.run([&](workit::scope& s) {
    for (auto _ : state) {
      const auto began = clock_type::now();
      benchmark::DoNotOptimize(workit::offload({}, add, 1, 2)(s));
      samples.push_back(std::chrono::duration<double>(clock_type::now() - began).count());
      state.SetIterationTime(samples.back());
    }
  });
  report(state, std::move(samples));
}
BENCHMARK(offload_round_trip)->UseManualTime();

}  // namespace
