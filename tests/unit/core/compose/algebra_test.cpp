// Properties of all composables, on random trees.
#include <cstdio>
#include <support/seed.hpp>

#include "random_tree.hpp"

// Random trees of composables, and random uses of one: whatever they do, nothing outlives its scope, every loser learns
// why, no limit is passed, and a cancellation begins nothing more.

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;
using function = test::random_trees::function;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int trees = 500;
#else
constexpr int trees = 10'000;
#endif
constexpr int deepest = 6;

class Algebra : public test::runtime_test {
 protected:
  const std::uint64_t seed = test::seed();
  test::random_trees random{seed};

  std::uint64_t draw(std::uint64_t below) { return random.draw(below); }
  duration some_time() { return random.some_time(); }
};

TEST_F(Algebra, NothingOutlivesItsScopeAndNothingBeginsAfterACancellation) {
  manual_runtime rt;
  const auto& seen = random.seen;
  int begun = 0, values = 0, errors = 0, cancellations = 0, live_in_between = 0, begun_later = 0;
  for (int n = 0; n < trees; ++n) {
    function f = random.tree(deepest);
    const bool cancel = draw(2) == 0;
    const auto when = some_time() + std::chrono::microseconds(draw(1000));
    rt.run([&](scope& s) {
      auto t = s.spawn({.background = true}, std::move(f));
      s.sleep_for(when);
      live_in_between += seen.live;
      const auto until_now = seen.begun;
      if (cancel) random.seen.cancelled = t.cancel("storm");
      const auto ended = t.result();
      ++(ended.has_value() ? values : ended.is_error() ? errors : cancellations);
      begun_later += !cancel && seen.begun > until_now;
      if (cancel && ended.is_cancelled()) {
        const auto why = describe(ended.why());
        EXPECT_TRUE(why == "manual: storm" || why == "user: gave up") << why;
      }
    });
    SCOPED_TRACE("tree " + std::to_string(n) + " of seed " + std::to_string(seed));
    ASSERT_EQ(seen.live, 0);
    ASSERT_EQ(seen.settled, seen.begun) << "a task left in another way than by a value, an error or a typed reason";
    ASSERT_EQ(seen.late, 0) << "a body began after the cancellation";
    ASSERT_EQ(seen.over_limit, 0);
    ASSERT_EQ(seen.resources, 0);
    begun += seen.begun;
  }
  std::printf("%d trees, %d leaves, %d values, %d errors, %d cancellations\n", trees, begun, values, errors,
              cancellations);
  EXPECT_GT(values, trees / 20);
  EXPECT_GT(errors, trees / 20);
  EXPECT_GT(cancellations, trees / 20);
  EXPECT_GT(live_in_between, 0) << "the count of the living counts something";
  EXPECT_GT(begun_later, trees / 20) << "trees that are not cancelled begin more at that instant";
}

TEST_F(Algebra, APoolNeverExceedsItsLimitAndKeepsItsOrder) {
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

TEST_F(Algebra, ARaceTellsEveryLoserTheWinner) {
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

TEST_F(Algebra, AHedgeTellsEveryLoserTheWinner) {
  manual_runtime rt;
  for (int n = 0; n < trees / 50; ++n) {
    std::size_t begun = 0;
    work_id winner = 0;
    std::vector<work_id> told;
    const auto attempt = [&](context& ctx) {
      ++begun;
      try {
        ctx.sleep_for(some_time() + std::chrono::nanoseconds(begun));  // of its own, so that there is one winner
      } catch (const cancelled& c) {
        told.push_back(std::get<reason::race_lost>(c.why()).winner);
        throw;
      }
      winner = ctx.id();
    };
    const auto most = 1 + draw(8);
    rt.run(hedge({.after = some_time() / 4, .max = most}, attempt));
    ASSERT_LE(begun, most) << "seed " << seed;
    ASSERT_EQ(told, std::vector<work_id>(begun - 1, winner)) << "seed " << seed;
  }
}

TEST_F(Algebra, AFailureTellsEveryTaskThatItStopsWhichOneFailed) {
  manual_runtime rt;
  for (int n = 0; n < trees / 50; ++n) {
    const auto parts = 1 + draw(12), limit = 1 + draw(12), failing = draw(parts);
    std::size_t begun = 0, ended = 0, told = 0;
    const auto own = std::make_exception_ptr(std::runtime_error("the one"));
    std::vector<function> all_parts;
    for (std::size_t i = 0; i < parts; ++i)
      all_parts.emplace_back([&, i, takes = some_time() + std::chrono::microseconds(i)](context& ctx) -> int {
        ++begun;
        try {
          ctx.sleep_for(takes);
        } catch (const cancelled& c) {
          told += std::get<reason::sibling_failed>(c.why()).error == own;
          throw;
        }
        ++ended;
        if (i == failing) std::rethrow_exception(own);
        return 1;
      });
    const bool pooled = draw(2) == 0;
    try {
      rt.run([&](scope& s) {
        if (pooled)
          pool(limit, std::move(all_parts))(s);
        else
          all(std::move(all_parts))(s);
      });
      ADD_FAILURE() << "the failure was lost; seed " << seed;
    } catch (const std::runtime_error&) {
      ASSERT_EQ(std::current_exception(), own) << "seed " << seed;
    }
    ASSERT_EQ(told, begun - ended) << "seed " << seed;
  }
}

TEST_F(Algebra, ATimeoutKeepsItsTypedReason) {
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
