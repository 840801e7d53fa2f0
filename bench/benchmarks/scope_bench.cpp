// Scopes, tasks and fibers, beside raw Boost.Fiber.
#include <malloc.h>
#include <atomic>

#include <boost/fiber/all.hpp>
#include <workit/workit.hpp>

#include "benchmarks/figures.hpp"
#include "benchmarks/runner.hpp"
#include "measure/stopwatch.hpp"

namespace workit::bench {
namespace {

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
  items(state, static_cast<double>(live));
}

void task_spawn_join(benchmark::State& state) {
  runtime rt;
  const auto live = state.range(0);
  rt.run([&](scope& s) {
    std::vector<task<void>> tasks;
    for (auto _ : state) {
      for (std::int64_t i = 0; i < live; ++i) tasks.push_back(s.spawn([] {}));
      for (auto& t : tasks) t.get();
      tasks.clear();
    }
  });
  items(state, static_cast<double>(live));
}

void floor_boost_fiber_yield(benchmark::State& state) {
  bool over = false;
  boost::fibers::fiber other([&] {
    while (!over) boost::this_fiber::yield();
  });
  for (auto _ : state) boost::this_fiber::yield();
  over = true;
  other.join();
}

void context_yield(benchmark::State& state) {
  runtime rt;
  bool over = false;  // outlives the scope's body: the other fiber reads it until the scope has closed
  rt.run([&](scope& s) {
    s.spawn([&](context& ctx) {
      while (!over) ctx.yield();
    });
    for (auto _ : state) s.yield();
    over = true;
  });
}

void floor_load(benchmark::State& state) {
  const std::atomic<int> flag{0};
  for (auto _ : state) benchmark::DoNotOptimize(flag.load(std::memory_order_acquire));
}

void context_stopping(benchmark::State& state) {
  runtime rt;
  rt.run([&](scope& s) {
    for (auto _ : state) benchmark::DoNotOptimize(s.stopping());
  });
}

void context_check(benchmark::State& state) {
  runtime rt;
  rt.run([&](scope& s) {
    for (auto _ : state) s.check();
  });
}

void nested_scope(benchmark::State& state) {
  runtime rt;
  rt.run([&](scope& s) {
    for (auto _ : state) s.scope([](scope&) {});
  });
}

/// Heap bytes of a task that is queued and has not begun, with all that is kept for it.
double queued_task_bytes(int tasks) {
  runtime rt;
  double bytes = 0;
  rt.run([&](scope& s) {
    const auto before = mallinfo2().uordblks;
    for (int i = 0; i < tasks; ++i) s.spawn([] {});
    bytes = static_cast<double>(mallinfo2().uordblks - before) / tasks;
  });
  return bytes;
}

/// Raw fibers that are parked, woken at once, and throw and catch one exception each: microseconds until all are over.
double wake_and_throw(int live) {
  boost::fibers::mutex mutex;
  boost::fibers::condition_variable woken;
  bool over = false;
  std::vector<boost::fibers::fiber> fibers;
  for (int i = 0; i < live; ++i)
    fibers.emplace_back(std::allocator_arg, pooled{}, [&] {
      try {
        std::unique_lock lock(mutex);
        woken.wait(lock, [&] { return over; });
        throw std::runtime_error("enough");
      } catch (const std::runtime_error&) {
      }
    });
  boost::this_fiber::yield();  // all are parked
  const stopwatch watch;
  over = true;
  woken.notify_all();
  for (auto& f : fibers) f.join();
  return watch.elapsed();
}

/// A scope with that many sleeping tasks is cancelled and closes: microseconds until cancel() has returned, and until
/// all are over.
void cancel_fan_out(sink& to, int tasks, int n) {
  runtime rt;
  std::vector<double> returned, settled;
  rt.run([&](scope& s) {
    for (int i = 0; i < n; ++i) {
      stopwatch watch;
      int asleep = 0;
      try {
        s.scope([&](scope& inner) {
          for (int t = 0; t < tasks; ++t)
            inner.spawn([&](context& ctx) {
              ++asleep;
              ctx.sleep_for(std::chrono::hours(1));
            });
          while (asleep < tasks) inner.yield();
          watch = {};
          inner.cancel("enough");
          returned.push_back(watch.elapsed());
          inner.check();
        });
      } catch (const scope_cancelled&) {
      }
      settled.push_back(watch.elapsed());
    }
  });
  to.add("returned", returned);
  to.add("settled", settled, "floor/boost_fiber/wake_" + std::to_string(tasks) + "_throw");
}

void add_cancel(int tasks) {
  const auto count = std::to_string(tasks);
  measured("floor/boost_fiber/wake_" + count + "_throw", {{"subject", "floor"}}, {20, 100}, [=](sink& to, int n) {
    std::vector<double> took;
    for (int i = 0; i < n; ++i) took.push_back(wake_and_throw(tasks));
    to.add("", took);
  });
  measured("core/cancel_" + count, {{"subject", "core"}}, {20, 100},
           [=](sink& to, int n) { cancel_fan_out(to, tasks, n); });
}

}  // namespace

void add_scopes_and_tasks() {
  for (const int live : {1, 1000}) {
    timed("floor/boost_fiber/spawn_join", "", floor_boost_fiber_spawn_join, live);
    timed("core/spawn_join", "floor/boost_fiber/spawn_join", task_spawn_join, live);
  }
  timed("floor/boost_fiber/yield", "", floor_boost_fiber_yield);
  timed("core/yield", "floor/boost_fiber/yield", context_yield);
  timed("floor/atomic_load", "", floor_load);
  timed("core/stopping", "floor/atomic_load", context_stopping);
  timed("core/check", "floor/atomic_load", context_check);
  timed("core/nested_scope", "floor/boost_fiber/spawn_join/1", nested_scope);
  add_cancel(1000);
  add_cancel(10000);
  measured("core/queued_task_bytes", {{"subject", "core"}}, {1, 5}, [](sink& to, int n) {
    std::vector<double> bytes;
    for (int i = 0; i < n; ++i) bytes.push_back(queued_task_bytes(1'000'000));
    to.add("", bytes, "", "B");
  });
}

}  // namespace workit::bench
