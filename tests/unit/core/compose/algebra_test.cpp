#include "branches.hpp"

#include <cstdio>
#include <random>
#include <support/seed.hpp>

// Random trees of composables: whatever they do, nothing outlives its scope, and every loser learns why.

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;
using random_engine = std::mt19937_64;
using function = std::function<int(context&)>;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int trees = 500;
#else
constexpr int trees = 10'000;
#endif
constexpr int deepest = 6;

/// What the leaves of one tree have done.
struct account {
  int live = 0;  ///< bodies and their cleanups
  int begun = 0;
  int untyped = 0;    ///< cancellations whose reason is not one that the tree can give
  int resources = 0;  ///< acquired and not released
};

class Algebra : public test::runtime_test {
 protected:
  account seen;
  random_engine random;

  std::uint64_t draw(std::uint64_t below) { return random() % below; }
  duration some_time() { return std::chrono::milliseconds(1 + draw(100)); }

  /// A body that lives for a while, here and there fails, cleans up slowly or spawns.
  function leaf() {
    const auto takes = some_time(), cleanup = some_time();
    const bool fails = draw(3) == 0, cleans = draw(3) == 0, spawns = draw(4) == 0;
    return [=, this](context& ctx) {
      ++seen.begun;
      ++seen.live;
      ctx.defer([=, this](context& c) {
        if (cleans) c.sleep_for(cleanup);
        --seen.live;
      });
      if (spawns)
        background(ctx, [this, takes](context& c) {
          ++seen.live;
          c.defer([this] { --seen.live; });
          c.sleep_for(takes);
        });
      try {
        ctx.sleep_for(takes);
      } catch (const cancelled& c) {
        const auto kind = kind_of(c.why());
        if (kind != "race_lost" && kind != "sibling_failed" && kind != "timeout" && kind != "deadline" &&
            kind != "parent_failed" && kind != "manual")
          ++seen.untyped;
        throw;
      }
      if (fails) throw std::runtime_error("leaf");
      return 1;
    };
  }

  std::vector<function> some(int depth) {
    std::vector<function> parts;
    for (auto n = 1 + draw(3); n > 0; --n) parts.push_back(tree(depth - 1));
    return parts;
  }

  static int sum(const std::vector<int>& parts) {
    int total = 0;
    for (const int p : parts) total += p;
    return total;
  }

  /// A random tree of composables, at most `depth` deep.
  function tree(int depth) {
    if (depth == 0 || draw(8) == 0) return leaf();
    switch (draw(14)) {
      case 0:
        return [f = all(some(depth))](context& c) mutable { return sum(f(c)); };
      case 1:
        return [f = all(tree(depth - 1), tree(depth - 1))](context& c) mutable { return std::get<0>(f(c)); };
      case 2:
        return [f = all_settled(some(depth))](context& c) mutable { return static_cast<int>(f(c).size()); };
      case 3:
        return race(some(depth));
      case 4:
        return any(some(depth));
      case 5:
        return [f = series(some(depth))](context& c) mutable { return sum(f(c)); };
      case 6:
        return [f = pool(1 + draw(3), some(depth))](context& c) mutable { return sum(f(c)); };
      case 7:
        return timeout(some_time(), tree(depth - 1));
      case 8:
        return [f = tree(depth - 1), in = some_time()](context& c) { return deadline_at(c.now() + in, f)(c); };
      case 9:
        return retry({.times = 1 + draw(3), .initial_delay = some_time(), .seed = draw(1000)}, tree(depth - 1));
      case 10:
        return hedge({.after = some_time(), .max = 1 + draw(3)}, tree(depth - 1));
      case 11:
        return fallback(tree(depth - 1), tree(depth - 1));
      case 12:
        return bracket([this] { return ++seen.resources; }, [f = tree(depth - 1)](context& c, int&) { return f(c); },
                       [this](int&) { --seen.resources; });
      default:
        return uncancellable(some_time(), tree(depth - 1));
    }
  }
};

TEST_F(Algebra, NothingOutlivesItsScope) {
  const auto seed = test::seed();
  random.seed(seed);
  manual_runtime rt;
  int begun = 0, values = 0, errors = 0, cancellations = 0, live_in_between = 0;
  for (int n = 0; n < trees; ++n) {
    seen = {};
    function f = tree(deepest);
    const bool cancel = draw(2) == 0;
    const auto when = some_time();
    rt.run([&](scope& s) {
      auto t = s.spawn({.background = true}, std::move(f));
      if (cancel) {
        s.sleep_for(when);
        live_in_between += seen.live;
        t.cancel("storm");
      }
      const auto ended = t.result();
      ++(ended.has_value() ? values : ended.is_error() ? errors : cancellations);
      if (ended.is_cancelled()) {
        EXPECT_EQ(describe(ended.why()), "manual: storm") << "the first reason stays";
      }
    });
    ASSERT_EQ(seen.live, 0) << "tree " << n << " of seed " << seed;
    ASSERT_EQ(seen.untyped, 0) << "tree " << n << " of seed " << seed;
    ASSERT_EQ(seen.resources, 0) << "tree " << n << " of seed " << seed;
    begun += seen.begun;
  }
  std::printf("%d trees, %d leaves, %d values, %d errors, %d cancellations\n", trees, begun, values, errors,
              cancellations);
  EXPECT_GT(values, trees / 20);
  EXPECT_GT(errors, trees / 20);
  EXPECT_GT(cancellations, trees / 20);
  EXPECT_GT(live_in_between, 0) << "the count of the living counts something";
}

TEST_F(Algebra, APoolNeverExceedsItsLimitAndKeepsItsOrder) {
  const auto seed = test::seed();
  random.seed(seed);
  manual_runtime rt;
  for (int n = 0; n < trees / 50; ++n) {
    const auto limit = 1 + draw(8), items = draw(60);
    std::size_t active = 0, most = 0;
    std::vector<function> parts;
    for (std::size_t i = 0; i < items; ++i)
      parts.emplace_back([&, takes = some_time(), i](context& ctx) {
        most = std::max(most, ++active);
        ctx.defer([&] { --active; });
        ctx.sleep_for(takes);
        return static_cast<int>(i);
      });
    const auto got = rt.run(pool(limit, std::move(parts)));
    ASSERT_EQ(got.size(), items) << "seed " << seed;
    for (std::size_t i = 0; i < items; ++i) ASSERT_EQ(got[i], static_cast<int>(i)) << "seed " << seed;
    ASSERT_EQ(most, std::min<std::size_t>(limit, items)) << "seed " << seed;
  }
}

TEST_F(Algebra, ARaceTellsEveryLoserWhoWon) {
  const auto seed = test::seed();
  random.seed(seed);
  manual_runtime rt;
  for (int n = 0; n < trees / 50; ++n) {
    const auto contenders = 1 + draw(12);
    work_id winner = 0;
    std::vector<work_id> told;
    std::vector<function> parts;
    for (std::size_t i = 0; i < contenders; ++i)
      // Times of their own, so that there is one winner.
      parts.emplace_back([&, takes = some_time() + std::chrono::microseconds(i)](context& ctx) {
        try {
          ctx.sleep_for(takes);
        } catch (const cancelled& c) {
          told.push_back(std::get<reason::race_lost>(c.why()).winner);
          throw;
        }
        winner = ctx.id();
        return 1;
      });
    const bool first_success = draw(2) == 0;
    rt.run(first_success ? function(any(std::move(parts))) : function(race(std::move(parts))));
    ASSERT_EQ(told, std::vector<work_id>(contenders - 1, winner)) << "seed " << seed;
  }
}

TEST_F(Algebra, ATimeoutKeepsItsTypedReason) {
  const auto seed = test::seed();
  random.seed(seed);
  manual_runtime rt;
  for (int n = 0; n < trees / 50; ++n) {
    const auto limit = some_time(), takes = some_time() + 500us;  // never both at once
    std::optional<duration> told;
    auto body = timeout(limit, [&](context& ctx) {
      try {
        ctx.sleep_for(takes);
      } catch (const cancelled& c) {
        told = std::get<reason::timeout>(c.why()).limit;
        throw;
      }
      return 1;
    });
    try {
      EXPECT_EQ(rt.run(body), 1);
      ASSERT_LT(takes, limit) << "seed " << seed;
      ASSERT_FALSE(told) << "seed " << seed;
    } catch (const timed_out& e) {
      ASSERT_LT(limit, takes) << "seed " << seed;
      ASSERT_EQ(e.limit(), limit) << "seed " << seed;
      ASSERT_EQ(told, limit) << "seed " << seed;
    }
  }
}

TEST_F(Algebra, TheFirstOfManyReasonsStays) {
  const auto seed = test::seed();
  random.seed(seed);
  manual_runtime rt;
  for (int n = 0; n < trees / 50; ++n) {
    std::string heard;
    duration earliest = 1h;
    std::string first;
    rt.run([&](scope& s) {
      auto victim = s.spawn(race(timeout(1h, test::sleeper(2h, 1)), [&](context& ctx) -> int {
        try {
          ctx.sleep_for(2h);
        } catch (const cancelled& c) {
          heard = describe(c.why());
          throw;
        }
        return 1;
      }));
      for (auto k = 1 + draw(8); k > 0; --k) {
        const auto when = some_time() + std::chrono::microseconds(k);
        const auto tag = "tag " + std::to_string(k);
        if (when < earliest) {
          earliest = when;
          first = "manual: " + tag;
        }
        s.spawn([victim, when, tag](context& ctx) mutable {
          ctx.sleep_for(when);
          victim.cancel(tag);
        });
      }
    });
    ASSERT_EQ(heard, first) << "seed " << seed;
  }
}

TEST_F(Algebra, ARetryStopsAtOnceWhenItIsCancelled) {
  const auto seed = test::seed();
  random.seed(seed);
  manual_runtime rt;
  for (int n = 0; n < trees / 50; ++n) {
    int attempts = 0;
    rt.run([&](scope& s) {
      auto t = s.spawn(retry({.times = 1000, .initial_delay = some_time(), .seed = draw(1000)},
                             [&, takes = some_time()](context& ctx) {
                               ++attempts;
                               ctx.sleep_for(takes);
                               throw std::runtime_error("again");
                             }));
      s.sleep_for(some_time() * 10);
      const auto before = attempts;
      const auto asked = s.now();
      t.cancel("stop");
      EXPECT_TRUE(t.result().is_cancelled());
      ASSERT_EQ(s.now(), asked) << "seed " << seed;
      s.sleep_for(1h);
      ASSERT_EQ(attempts, before) << "seed " << seed;
    });
  }
}

}  // namespace
}  // namespace workit
