// Charges by threads that are not the scope's.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <random>
#include <support/fixture.hpp>
#include <support/seed.hpp>
#include <thread>
#include <vector>
#include <workit/scope/runtime.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

const budget_key tokens_key("tokens");
const budget_key calls_key("calls");
const budget_key cost_key("cost", {.digits = 2});

/// Runs `body(index)` on `n` threads that begin together, and waits for them.
template <class F>
void on_threads(int n, F&& body) {
  std::atomic<int> waiting{n};
  std::vector<std::thread> threads;
  for (int i = 0; i < n; ++i)
    threads.emplace_back([&, i] {
      --waiting;
      while (waiting.load() > 0) std::this_thread::yield();
      body(i);
    });
  for (auto& t : threads) t.join();
}

class BudgetOnThreads : public test::runtime_test {};

TEST_F(BudgetOnThreads, ChargesLandExactly) {
#if defined(__SANITIZE_THREAD__)
  constexpr int each = 50'000;
#else
  constexpr int each = 1'000'000;
#endif
  manual_runtime rt;
  rt.run({.budgets = {{tokens_key, 8 * each}, {cost_key, 8 * each}}}, [](scope& s) {
    s.spawn([&](context& ctx) {
       on_threads(8, [&](int) {
         for (int i = 0; i < each; ++i) ctx.consume(tokens_key, 1);
       });
       EXPECT_EQ(ctx.budget(tokens_key)->spent, 8 * each);
       EXPECT_THROW(ctx.consume(tokens_key, 1), budget_exceeded) << "not one was lost, not one too many";
     }).wait();
  });
}

TEST_F(BudgetOnThreads, OverrunCancelsTheOwnerFromAnyThread) {
  manual_runtime rt;
  std::atomic<int> refused{0};
  try {
    rt.run({.budgets = {{calls_key, 1000}}}, [&](scope& s) {
      const auto remote = s.remote();
      on_threads(4, [&](int) {
        for (int i = 0; i < 300; ++i) {
          try {
            remote.consume(calls_key, 1);
          } catch (const budget_exceeded&) {
            ++refused;
          }
        }
      });
      EXPECT_EQ(s.budget(calls_key)->spent, 1000);
      EXPECT_TRUE(s.stopping());
      s.check();
    });
    FAIL() << "the owner went on";
  } catch (const budget_exceeded&) {
  }
  EXPECT_EQ(refused, 200);
}

TEST_F(BudgetOnThreads, RemoteChargesReachTheBudgetAfterItsScopeHasClosed) {
  manual_runtime rt;
  std::optional<remote_scope> remote;
  rt.run({.budgets = {{tokens_key, 2}, {calls_key, 2}}}, [&](scope& s) { remote = s.remote(); });
  remote->consume({{tokens_key, 1}, {calls_key, 1}});
  EXPECT_THROW(remote->consume(tokens_key, 2), budget_exceeded);
  EXPECT_THROW(remote->consume(cost_key, 1), budget_not_set);
}

// A thread asks for all the tokens that are left, for one of many other things, and for a call, of which there is none:
// it is always refused. If its first part were paid and paid back, the single tokens that another takes meanwhile would
// not fit.
TEST_F(BudgetOnThreads, ARefusedChargeOnSeveralNeverMakesAnotherFail) {
#if defined(__SANITIZE_THREAD__)
  constexpr int tokens_to_take = 20'000;
#else
  constexpr int tokens_to_take = 300'000;
#endif
  manual_runtime rt;
  std::vector<std::unique_ptr<budget_key>> others;
  std::vector<budget_limit> limits{{tokens_key, tokens_to_take}};
  std::vector<charge> greedy{{tokens_key, 0}};
  for (int i = 0; i < 100; ++i) {
    const auto& key = *others.emplace_back(std::make_unique<budget_key>("other"));
    limits.emplace_back(key, 1);
    greedy.emplace_back(key, 1);
  }
  const budget_key none("none");
  limits.emplace_back(none, 0);
  greedy.emplace_back(none, 1);
  std::atomic<bool> taken{false};
  int wrongly_refused = 0, wrongly_accepted = 0, refused = 0;
  const auto fits = [](auto&& charge_it) {
    try {
      charge_it();
      return true;
    } catch (const budget_exceeded&) {
      return false;
    }
  };
  EXPECT_THROW(rt.run({.budgets = limits},
                      [&](scope& s) {
                        const auto take_all = [&] {
                          greedy[0].how_much = tokens_to_take - s.budget(tokens_key)->spent.in_units(0);
                          ++(fits([&] { s.consume(greedy); }) ? wrongly_accepted : refused);
                        };
                        on_threads(2, [&](int thread) {
                          if (thread == 0) {
                            while (!taken.load()) take_all();
                            return;
                          }
                          for (int i = 0; i < tokens_to_take; ++i) {
                            if (!fits([&] { s.consume(tokens_key, 1); })) ++wrongly_refused;
                            for (volatile int pause = 0; pause < 100;) pause = pause + 1;
                          }
                          taken = true;
                        });
                        EXPECT_EQ(s.budget(tokens_key)->spent, tokens_to_take);
                        take_all();
                        s.check();
                      }),
               budget_exceeded);
  EXPECT_EQ(wrongly_refused, 0);
  EXPECT_EQ(wrongly_accepted, 0);
  EXPECT_GT(refused, 0);
}

// Random charges on one, two or three of the budgets, from several threads: what was accepted adds up, no limit is ever
// passed, and a watcher sees none passed.
TEST_F(BudgetOnThreads, AcceptedChargesAddUpAndNoLimitIsEverPassed) {
  const auto seed = test::seed();
#if defined(__SANITIZE_THREAD__)
  constexpr int rounds = 5'000;
#else
  constexpr int rounds = 40'000;
#endif
  constexpr std::int64_t limits[] = {60'000, 40'000, 90'000};
  manual_runtime rt;
  std::atomic<std::int64_t> accepted[3] = {0, 0, 0};
  std::atomic<bool> passed_a_limit{false}, done{false};
  std::atomic<int> refused{0};
  EXPECT_THROW(
      rt.run({.budgets = {{tokens_key, limits[0]}, {calls_key, limits[1]}, {cost_key, amount::of_units(limits[2], 2)}}},
             [&](scope& s) {
               const auto spent = [&](int i) {
                 return s.budget(i == 0 ? tokens_key : i == 1 ? calls_key : cost_key)->spent.in_units(i == 2 ? 2 : 0);
               };
               std::thread watcher([&] {
                 while (!done.load()) {
                   for (int i = 0; i < 3; ++i) passed_a_limit = passed_a_limit || spent(i) > limits[i];
                 }
               });
               on_threads(4, [&](int thread) {
                 std::mt19937_64 random(seed + static_cast<std::uint64_t>(thread));
                 for (int r = 0; r < rounds; ++r) {
                   const std::int64_t n[] = {static_cast<std::int64_t>(random() % 4),
                                             static_cast<std::int64_t>(random() % 3),
                                             static_cast<std::int64_t>(random() % 5)};
                   const auto which = random() % 4;
                   try {
                     switch (which) {
                       case 0:
                         s.consume(tokens_key, n[0]);
                         break;
                       case 1:
                         s.consume({{calls_key, n[1]}, {tokens_key, n[0]}});
                         break;
                       case 2:
                         s.consume({{cost_key, amount::of_units(n[2], 2)}, {tokens_key, n[0]}, {calls_key, n[1]}});
                         break;
                       default:
                         s.consume(cost_key, amount::of_units(n[2], 2));
                     }
                   } catch (const budget_exceeded&) {
                     ++refused;
                     continue;
                   }
                   if (which != 3) accepted[0] += n[0];
                   if (which == 1 || which == 2) accepted[1] += n[1];
                   if (which >= 2) accepted[2] += n[2];
                 }
               });
               done = true;
               watcher.join();
               for (int i = 0; i < 3; ++i) EXPECT_EQ(spent(i), accepted[i].load()) << "budget " << i;
               for (int i = 0; i < 3; ++i) EXPECT_LE(spent(i), limits[i]);
               s.consume(tokens_key, limits[0]);
               s.consume(tokens_key, limits[0]);
             }),
      budget_exceeded);
  EXPECT_FALSE(passed_a_limit);
  if (rounds > 10'000) {
    EXPECT_GT(refused, 0) << "the limits are to be reached";
  }
}

}  // namespace
}  // namespace workit
