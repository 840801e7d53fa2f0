// A thousand tasks, 64 at a time, pay a credit each; eight threads draw on one budget at once: every charge counts
// once.
#include <algorithm>
#include <numeric>
#include <thread>
#include <workit/workit.hpp>

#include "gauge.hpp"
#include "receipt.hpp"

inline const workit::budget_key credits{"credits"};

// Eight threads draw a thousand each, which is all there is.
sample::receipt draw_from_threads(workit::scope& s) {
  return s.scope({.name = "threads", .budgets = {{credits, 8000}}}, [](workit::scope& shared) -> sample::receipt {
    std::atomic<int> accepted = 0;
    workit::semaphore done(0);
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&, purse = shared.remote()] {
        for (int i = 0; i < 1000; ++i) purse.consume(credits, 1), ++accepted;
        done.release();
      });
    for (int t = 0; t < 8; ++t) done.acquire();
    return {{"accepted", accepted.load()}, {"spent", shared.budget(credits)->spent.in_units(0)}};
  });
}

int main() {
  std::vector<int> numbers(1000);
  std::iota(numbers.begin(), numbers.end(), 0);
  sample::gauge active;

  workit::runtime rt;
  rt.run({.name = "batch", .budgets = {{credits, 1000}}}, [&](workit::scope& s) {
    const auto doubled = workit::work(numbers).in_parallel(64).for_each([&](workit::context& ctx, int n) {
      const sample::gauge::entry at_work(active);
      ctx.consume(credits, 1);
      for (int i = n % 5; i > 0; --i) ctx.yield();  // so that they do not end in the order in which they began
      return 2 * n;
    })(s);

    const bool in_order = std::is_sorted(doubled.begin(), doubled.end());
    const auto spent = s.budget(credits)->spent.in_units(0);
    sample::print({{"results", doubled.size()},
                   {"in_order", in_order},
                   {"spent", spent},
                   {"max_active", active.most()},
                   {"threads", draw_from_threads(s)}});
  });
}
