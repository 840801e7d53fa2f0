// Composables, values and budgets: beside tasks spawned by hand, a load, and an addition.
#include <atomic>
#include <workit/workit.hpp>

#include "benchmarks/figures.hpp"
#include "benchmarks/runner.hpp"

namespace workit::bench {
namespace {

const context_key<int> depth{"depth"};
const budget_key tokens{"tokens"}, calls{"calls"};
constexpr std::int64_t plenty = std::int64_t{1} << 50;

template <class Composed>
void run_composed(benchmark::State& state, Composed composed) {
  runtime rt;
  rt.run([&](scope& s) {
    for (auto _ : state) benchmark::DoNotOptimize(composed(s));
  });
}

int one() { return 1; }

void two_in_a_scope(benchmark::State& state) {
  runtime rt;
  rt.run([&](scope& s) {
    for (auto _ : state)
      s.scope([](scope& inner) {
        auto a = inner.spawn(one), b = inner.spawn(one);
        benchmark::DoNotOptimize(a.get() + b.get());
      });
  });
}

void all_of_two(benchmark::State& state) { run_composed(state, all(one, one)); }
void race_of_two(benchmark::State& state) { run_composed(state, race(one, one)); }
void with_timeout(benchmark::State& state) { run_composed(state, timeout(std::chrono::hours(1), one)); }
void retried(benchmark::State& state) { run_composed(state, retry({.times = 3}, one)); }

/// Runs `body(context&)` in as many nested scopes as the loop's argument says; the outermost has the value.
template <class Body>
void at_depth(context& ctx, std::int64_t levels, const Body& body) {
  if (levels == 0) return body(ctx);
  ctx.scope([&](scope& inner) { at_depth(inner, levels - 1, body); });
}

void find_value(benchmark::State& state) {
  runtime rt;
  rt.run({.name = "outermost", .values = values{}.with(depth, 7)}, [&](scope& s) {
    at_depth(s, state.range(0), [&](context& ctx) {
      for (auto _ : state) benchmark::DoNotOptimize(ctx.find(depth));
    });
  });
}

void consume_one(benchmark::State& state) {
  runtime rt;
  rt.run({.name = "outermost", .budgets = {{tokens, plenty}}}, [&](scope& s) {
    at_depth(s, state.range(0), [&](context& ctx) {
      for (auto _ : state) ctx.consume(tokens, 1);
    });
  });
}

void consume_two(benchmark::State& state) {
  runtime rt;
  rt.run({.name = "outermost", .budgets = {{tokens, plenty}, {calls, plenty}}}, [&](scope& s) {
    for (auto _ : state) s.consume({{tokens, 1}, {calls, 1}});
  });
}

void floor_add(benchmark::State& state) {
  std::atomic<std::int64_t> spent{0};
  for (auto _ : state) benchmark::DoNotOptimize(spent.fetch_add(1, std::memory_order_acq_rel));
}

}  // namespace

void add_compositions() {
  timed("compose/two_in_a_scope", "", two_in_a_scope);
  timed("compose/all", "compose/two_in_a_scope", all_of_two);
  timed("compose/race", "compose/two_in_a_scope", race_of_two);
  timed("compose/timeout", "", with_timeout);
  timed("compose/retry", "", retried);
  timed("floor/atomic_add", "", floor_add);
  for (const int levels : {0, 32}) {
    timed("context/find", "", find_value, levels);
    timed("context/consume", "", consume_one, levels);
  }
  timed("context/consume_two", "floor/atomic_add", consume_two);
}

}  // namespace workit::bench
