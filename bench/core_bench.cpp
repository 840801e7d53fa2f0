// Scopes, tasks and fibers, beside raw Boost.Fiber.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <boost/fiber/all.hpp>
#include <workit/workit.hpp>

namespace {

constexpr int batch = 1000;

/// Stacks of 64 KiB that are used again.
struct pooled {
  static inline std::vector<boost::context::stack_context> free;
  boost::context::stack_context allocate() {
    if (free.empty()) return boost::context::fixedsize_stack(64 * 1024).allocate();
    const auto stack = free.back();
    free.pop_back();
    return stack;
  }
  void deallocate(boost::context::stack_context& stack) noexcept { free.push_back(stack); }
};

/// Raw fibers on stacks of 64 KiB that are used again: what a spawn and join cost without owner, name or cancellation.
void floor_boost_fiber_spawn_join(benchmark::State& state) {
  const auto live = state.range(0);
  std::vector<boost::fibers::fiber> fibers;
  for (auto _ : state) {
    for (std::int64_t i = 0; i < live; ++i) fibers.emplace_back(std::allocator_arg, pooled{}, [] {});
    for (auto& f : fibers) f.join();
    fibers.clear();
  }
  state.SetItemsProcessed(state.iterations() * live);
}
BENCHMARK(floor_boost_fiber_spawn_join)->Arg(1)->Arg(1000);

void task_spawn_join(benchmark::State& state) {
  workit::runtime rt;
  const auto live = state.range(0);
  rt.run([&](workit::scope& s) {
    std::vector<workit::task<void>> tasks;
    for (auto _ : state) {
      for (std::int64_t i = 0; i < live; ++i) tasks.push_back(s.spawn([] {}));
      for (auto& t : tasks) t.get();
      tasks.clear();
    }
  });
  state.SetItemsProcessed(state.iterations() * live);
}
BENCHMARK(task_spawn_join)->Arg(1)->Arg(1000);

void floor_boost_fiber_yield(benchmark::State& state) {
  bool over = false;
  boost::fibers::fiber other([&] {
    while (!over) boost::this_fiber::yield();
  });
  for (auto _ : state) boost::this_fiber::yield();
  over = true;
  other.join();
}
BENCHMARK(floor_boost_fiber_yield);

void context_yield(benchmark::State& state) {
  workit::runtime rt;
  bool over = false;  // outlives the scope's body: the other fiber reads it until the scope has closed
  rt.run([&](workit::scope& s) {
    s.spawn([&](workit::context& ctx) {
      while (!over) ctx.yield();
    });
    for (auto _ : state) s.yield();
    over = true;
  });
}
BENCHMARK(context_yield);

void context_stopping(benchmark::State& state) {
  workit::runtime rt;
  rt.run([&](workit::scope& s) {
    for (auto _ : state) benchmark::DoNotOptimize(s.stopping());
  });
}
BENCHMARK(context_stopping);

void nested_scope(benchmark::State& state) {
  workit::runtime rt;
  rt.run([&](workit::scope& s) {
    for (auto _ : state) s.scope([](workit::scope&) {});
  });
}
BENCHMARK(nested_scope);

/// Heap bytes of a task that is queued and has not begun, with all that is kept for it.
void queued_task_bytes(benchmark::State& state) {
  workit::runtime rt;
  const auto tasks = state.range(0);
  double bytes = 0;
  for (auto _ : state)
    rt.run([&](workit::scope& s) {
      const auto before = mallinfo2().uordblks;
      for (std::int64_t i = 0; i < tasks; ++i) s.spawn([] {});
      bytes = static_cast<double>(mallinfo2().uordblks - before) / static_cast<double>(tasks);
    });
  state.counters["bytes"] = bytes;
}
BENCHMARK(queued_task_bytes)->Arg(1'000'000)->Iterations(1);

/// `range(0)` raw fibers that are parked, woken at once, and throw and catch one exception each.
void floor_boost_fiber_wake_throw(benchmark::State& state) {
  const auto live = state.range(0);
  for (auto _ : state) {
    boost::fibers::mutex mutex;
    boost::fibers::condition_variable woken;
    bool over = false;
    std::vector<boost::fibers::fiber> fibers;
    for (std::int64_t i = 0; i < live; ++i)
      fibers.emplace_back(std::allocator_arg, pooled{}, [&] {
        try {
          std::unique_lock lock(mutex);
          woken.wait(lock, [&] { return over; });
          throw std::runtime_error("enough");
        } catch (const std::runtime_error&) {
        }
      });
    boost::this_fiber::yield();  // all are parked
    const auto began = std::chrono::steady_clock::now();
    over = true;
    woken.notify_all();
    for (auto& f : fibers) f.join();
    state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
  }
  state.SetItemsProcessed(state.iterations() * live);
}
BENCHMARK(floor_boost_fiber_wake_throw)->Arg(1000)->Arg(10000)->UseManualTime();

/// One scope with `range(0)` sleeping tasks is cancelled and closes; `returned_us` is how long cancel() itself takes.
void cancel_fan_out(benchmark::State& state) {
  workit::runtime rt;
  const auto tasks = state.range(0);
  double returned = 0;
  rt.run([&](workit::scope& s) {
    for (auto _ : state) {
      std::chrono::steady_clock::time_point requested;
      std::int64_t asleep = 0;
      try {
        s.scope([&](workit::scope& inner) {
          for (std::int64_t i = 0; i < tasks; ++i)
            inner.spawn([&](workit::context& ctx) {
              ++asleep;
              ctx.sleep_for(std::chrono::hours(1));
            });
          while (asleep < tasks) inner.yield();
          requested = std::chrono::steady_clock::now();
          inner.cancel("enough");
          returned = std::chrono::duration<double>(std::chrono::steady_clock::now() - requested).count();
          inner.check();
        });
      } catch (const workit::scope_cancelled&) {
      }
      state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - requested).count());
    }
  });
  state.SetItemsProcessed(state.iterations() * tasks);
  state.counters["returned_us"] = returned * 1e6;
}
BENCHMARK(cancel_fan_out)->Arg(1)->Arg(1000)->Arg(10000)->UseManualTime();

}  // namespace
