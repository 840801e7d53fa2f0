// Context values: inheritance, overlays, and their cost.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <random>
#include <support/fixture.hpp>
#include <support/seed.hpp>
#include <vector>
#include <workit/context/values.hpp>
#include <workit/scope/runtime.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;
using machine = std::chrono::steady_clock;

const context_key<std::string> tenant("tenant");
const context_key<int> verbosity("verbosity", 1);

std::vector<std::unique_ptr<context_key<int>>> make_keys(int n) {
  std::vector<std::unique_ptr<context_key<int>>> keys;
  for (int i = 0; i < n; ++i) keys.push_back(std::make_unique<context_key<int>>("key " + std::to_string(i)));
  return keys;
}

/// The shortest of some runs: what the code takes undisturbed.
template <class F>
duration fastest(int runs, F&& f) {
  auto best = duration::max();
  for (int i = 0; i < runs; ++i) {
    const auto start = machine::now();
    f();
    best = std::min(best, machine::now() - start);
  }
  return best;
}

TEST(Values, AreAsTheyWereWhenOneIsAdded) {
  const auto one = values{}.with(tenant, "acme");
  const auto two = one.with(verbosity, 3);
  const auto other = one.with(tenant, "umbrella");
  EXPECT_TRUE(values{}.empty());
  EXPECT_EQ(one.find(verbosity), nullptr) << "a default does not count";
  EXPECT_EQ(*one.find(tenant), "acme");
  EXPECT_EQ(*two.find(tenant), "acme");
  EXPECT_EQ(*two.find(verbosity), 3);
  EXPECT_EQ(*other.find(tenant), "umbrella");
  EXPECT_EQ(two.find(tenant), one.find(tenant)) << "shared, not copied";
}

TEST(Values, MayBeMoveOnly) {
  const context_key<std::unique_ptr<int>> owned("owned");
  EXPECT_EQ(**values{}.with(owned, std::make_unique<int>(6)).find(owned), 6);
}

TEST(Values, EndWithTheLastSetThatHasThem) {
  const context_key<std::shared_ptr<int>> shared("shared");
  const auto watched = std::make_shared<int>(1);
  {
    const auto kept = [&] { return values{}.with(shared, watched).with(tenant, "x"); }();
    EXPECT_EQ(watched.use_count(), 2);
  }
  EXPECT_EQ(watched.use_count(), 1);
}

// Against a std::map: random numbers of keys, additions to random ancestors, overlays of random pairs.
TEST(Values, HoldWhatAMapHolds) {
  std::mt19937_64 random(test::seed());
  const auto keys = make_keys(300);
  struct pair {
    values set;
    std::map<std::size_t, int> reference;
  };
  std::vector<pair> all(1);
  for (int step = 0; step < 2000; ++step) {
    const auto& from = all[random() % all.size()];
    pair next;
    if (random() % 4 == 0) {
      const auto& over = all[random() % all.size()];
      next.set = from.set.with(over.set);
      next.reference = over.reference;
      next.reference.insert(from.reference.begin(), from.reference.end());
    } else {
      const auto key = random() % keys.size();
      next = from;
      next.set = next.set.with(*keys[key], step);
      next.reference[key] = step;
    }
    const auto& made = all.emplace_back(std::move(next));
    for (std::size_t k = 0; k < keys.size(); ++k) {
      const auto* found = made.set.find(*keys[k]);
      const auto expected = made.reference.find(k);
      ASSERT_EQ(found != nullptr, expected != made.reference.end()) << "key " << k << " in step " << step;
      if (found == nullptr) continue;
      ASSERT_EQ(*found, expected->second) << "key " << k << " in step " << step;
    }
  }
}

// The control arm copies a whole map for each addition.
TEST(Values, TakeAHundredMoreOverFiveThousandWithoutCopyingThem) {
  const auto keys = make_keys(5000);
  const auto more = make_keys(100);
  values base;
  std::map<std::uint64_t, int> naive_base;
  for (const auto& key : keys) {
    base = base.with(*key, 1);
    naive_base[key->number()] = 1;
  }
  values result;
  const auto took = fastest(3, [&] {
    result = base;
    for (const auto& key : more) result = result.with(*key, 2);
  });
  const auto naive = fastest(1, [&] {
    auto last = naive_base;
    for (const auto& key : more) {
      auto next = last;
      next[key->number()] = 2;
      last = std::move(next);
    }
    EXPECT_EQ(last.size(), 5100U);
  });
  EXPECT_GT(naive, 10 * took);
  EXPECT_EQ(*result.find(*keys.front()), 1);
  EXPECT_EQ(*result.find(*more.back()), 2);
}

TEST(Values, OverlaysCostWhatTheTwoDoNotShare) {
  const auto keys = make_keys(5000);
  values base;
  for (const auto& key : keys) base = base.with(*key, 1);
  const auto over = base.with(tenant, "acme");
  const auto apart = [&] {
    values set;
    for (const auto& key : keys) set = set.with(*key, 1);
    return set;
  }();
  const auto shared = fastest(5, [&] { static_cast<void>(base.with(over)); });
  const auto unshared = fastest(5, [&] { static_cast<void>(base.with(apart)); });
  EXPECT_GT(unshared, 10 * shared);
}

class ContextValues : public test::runtime_test {};

TEST_F(ContextValues, ReachEverythingBelowTheScopeThatSetsThem) {
  manual_runtime rt;
  rt.run({.name = "top", .values = values{}.with(tenant, "acme").with(verbosity, 2)}, [](scope& s) {
    EXPECT_EQ(s.get(tenant), "acme");
    s.defer([](context& ctx) { EXPECT_EQ(ctx.get(tenant), "acme"); });
    s.spawn([](context& ctx) {
       EXPECT_EQ(ctx.get(tenant), "acme");
       ctx.defer([](context& c) { EXPECT_EQ(c.get(tenant), "acme"); });
       ctx.scope([](scope& in) { in.spawn([](context& c) { EXPECT_EQ(c.get(tenant), "acme"); }).get(); });
     }).get();
  });
}

TEST_F(ContextValues, LieOverThoseOfTheScopesAbove) {
  manual_runtime rt;
  rt.run({.values = values{}.with(tenant, "acme").with(verbosity, 2)}, [](scope& s) {
    s.scope({.values = values{}.with(tenant, "umbrella")}, [](scope& in) {
      EXPECT_EQ(in.get(tenant), "umbrella");
      EXPECT_EQ(in.get(verbosity), 2) << "not replaced: laid over";
    });
    EXPECT_EQ(s.get(tenant), "acme");
    s.scope({.values = s.values().with(verbosity, 5)}, [](scope& in) {
      EXPECT_EQ(in.get(verbosity), 5);
      EXPECT_EQ(in.get(tenant), "acme");
    });
  });
}

TEST_F(ContextValues, AreMissingWithASentenceOrADefault) {
  manual_runtime rt;
  rt.run({.name = "page"}, [](scope& s) {
    EXPECT_EQ(s.get(verbosity), 1);
    EXPECT_EQ(s.find(verbosity), nullptr) << "a default does not count as set";
    EXPECT_EQ(s.find(tenant), nullptr);
    EXPECT_TRUE(s.values().empty());
    try {
      static_cast<void>(s.get(tenant));
      FAIL() << "a value from nowhere";
    } catch (const value_not_set& e) {
      EXPECT_EQ(e.key(), "tenant");
      EXPECT_STREQ(e.what(), "context key \"tenant\" is not set in \"page\" or above it, and has no default");
    }
  });
}

TEST_F(ContextValues, GoWithTheScopeThatSetThem) {
  manual_runtime rt;
  const context_key<std::shared_ptr<int>> shared("shared");
  const auto watched = std::make_shared<int>(1);
  rt.run([&](scope& s) {
    s.scope({.values = values{}.with(shared, watched)}, [&](scope&) { EXPECT_GE(watched.use_count(), 2); });
    EXPECT_EQ(watched.use_count(), 1);
  });
}

/// What 1,000 look-ups take where only this one key is set, in a task of a root scope.
duration floor_of_a_lookup() {
  const context_key<int> alone("alone");
  duration took{};
  manual_runtime rt;
  rt.run({.values = values{}.with(alone, 1)}, [&](scope& s) {
    s.spawn([&](context& ctx) {
      std::int64_t sum = 0;
      took = fastest(9, [&] {
        for (int i = 0; i < 1000; ++i) sum += ctx.get(alone);
      });
      EXPECT_EQ(sum, 9000);
    });
  });
  return took;
}

// A walk over what is set would take thousands of times the floor.
TEST_F(ContextValues, OfTheOldestOfFiveThousandKeysAreFoundAtOnce) {
  const auto keys = make_keys(5000);
  manual_runtime rt;
  values all;
  for (const auto& key : keys) all = all.with(*key, 7);
  duration took{};
  rt.run({.values = all}, [&](scope& s) {
    s.spawn([&](context& ctx) {
      std::int64_t sum = 0;
      took = fastest(9, [&] {
        for (int i = 0; i < 1000; ++i) sum += ctx.get(*keys.front());
      });
      EXPECT_EQ(sum, 63'000);
    });
  });
  EXPECT_LT(took, 40 * floor_of_a_lookup());
}

// A tree of scopes, each opened in a task of the one before it, as deep as the number of keys.
TEST_F(ContextValues, AreFoundAtOnceInAScopeFarBelow) {
  constexpr int depth = 500;
  const auto keys = make_keys(depth);
  manual_runtime rt;
  duration took{};
  std::function<void(context&, int)> nest = [&](context& ctx, int level) {
    if (level == depth) {
      std::int64_t sum = 0;
      took = fastest(5, [&] {
        for (int i = 0; i < 1000; ++i) sum += ctx.get(*keys.front());
      });
      EXPECT_EQ(sum, 0);
      EXPECT_EQ(ctx.get(*keys.back()), depth - 1);
      return;
    }
    ctx.scope({.values = values{}.with(*keys[static_cast<std::size_t>(level)], level)},
              [&](scope& in) { in.spawn([&, level](context& c) { nest(c, level + 1); }).get(); });
  };
  rt.run([&](scope& s) { nest(s, 0); });
  EXPECT_LT(took, 40 * floor_of_a_lookup()) << "it looked in each scope on its way up";
}

}  // namespace
}  // namespace workit
