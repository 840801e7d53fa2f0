// Wide and deep trees of scopes.
#include <gtest/gtest.h>

#include <functional>
#include <support/fixture.hpp>
#include <workit/scope/runtime.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

#if defined(__SANITIZE_THREAD__)
constexpr int many = 1'500;  // ThreadSanitizer costs about 1 MiB a fiber and ends at 8,128
#else
constexpr int many = 10'000;
#endif

class ScopeTree : public test::runtime_test {};

TEST_F(ScopeTree, StopsTenThousandWaitingTasksByOneCancellation) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  int began = 0, left = 0;
  EXPECT_THROW(rt.run([&](scope& s) {
    for (int i = 0; i < many; ++i)
      s.spawn([&](context& ctx) {
        ++began;
        try {
          ctx.sleep_for(1h);
        } catch (const cancelled&) {
          ++left;
          throw;
        }
      });
    s.sleep_for(1s);
    EXPECT_EQ(began, many);
    s.cancel("all");
    s.check();
  }),
               scope_cancelled);
  EXPECT_EQ(left, many);
  EXPECT_EQ(rt.clock.now(), start + 1s);
}

// Each level is a task that opens a scope that spawns the next level: as many fibers as levels.
void descend(context& ctx, int levels, int& deepest, int& left) {
  if (levels == 0) {
    ctx.sleep_for(1h);
    return;
  }
  ctx.scope([&](scope& s) {
    ++deepest;
    try {
      s.spawn([&, levels](context& c) { descend(c, levels - 1, deepest, left); }).get();
    } catch (const cancelled&) {
      ++left;
      throw;
    }
  });
}

TEST_F(ScopeTree, StopsAChainOfNestedScopesByOneCancellationAtTheTop) {
  manual_runtime rt;
  constexpr int levels = many / 10;
  int deepest = 0, left = 0;
  EXPECT_THROW(rt.run([&](scope& s) {
    s.spawn([&](context& ctx) { descend(ctx, levels, deepest, left); });
    s.sleep_for(1s);
    EXPECT_EQ(deepest, levels);
    s.cancel("from the top");
    s.check();
  }),
               scope_cancelled);
  EXPECT_EQ(left, levels);
}

TEST_F(ScopeTree, SeesACancellationAtTheTopOfADeepChainAtOnce) {
  manual_runtime rt;
  EXPECT_THROW(rt.run([&](scope& top) {
    const std::function<void(context&, int)> nest = [&](context& ctx, int levels) {
      if (levels > 0) return ctx.scope([&](scope& s) { nest(s, levels - 1); });
      EXPECT_FALSE(ctx.stopping());
      top.cancel("top");
      EXPECT_TRUE(ctx.stopping()) << "nothing had to run in between";
      ctx.check();
    };
    nest(top, 100);
  }),
               scope_cancelled);
}

TEST_F(ScopeTree, StartsTasksBesideAnyNumberOfFibersThatYieldForEver) {
  manual_runtime rt;
  bool go = false;
  rt.run([&](scope& s) {
    for (int i = 0; i < 100; ++i)
      s.spawn([&](context& ctx) {
        while (!go) ctx.yield();
      });
    s.yield();
    s.spawn([&](context&) { go = true; });
  });
}

}  // namespace
}  // namespace workit
