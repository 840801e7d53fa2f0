// pool() keeps its limit; a failure stops what runs, and what waits never starts.
#include "acceptance.hpp"

namespace workit::test {
namespace {

/// Ten items of which the fourth fails when the three before it are at work; the others go on to their natural end.
struct ten_items {
  explicit ten_items(scenario_fixture::part& p) : slow(p) {}

  auto functions() {
    std::vector<std::function<int(context&)>> all;
    for (int i = 0; i < 10; ++i)
      all.emplace_back([this, i](context& ctx) -> int {
        ++started;
        most = std::max(most, ++active);
        ctx.defer([this] { --active; });
        if (i != 3) return slow.body()(ctx);
        slow.await(ctx, 3);
        throw std::out_of_range("the fourth");
      });
    return all;
  }

  scenario_fixture::part& slow;
  int started = 0, active = 0, most = 0;
};

class PoolWithAFailure : public acceptance {};

TEST_P(PoolWithAFailure, StopsWhatRunsStartsNothingMoreAndHasItsWorkersReady) {
  run_scenario(
      [](scenario_fixture& fixture) {
        auto& slow = fixture.make_part();
        ten_items items(slow);
        fixture.run([&](scope& s) {
          EXPECT_THROW(pool(4, items.functions())(s), std::out_of_range);
          fixture.returned();
          EXPECT_EQ(items.active, 0);
          EXPECT_EQ(items.started, 4);
          EXPECT_EQ(slow.heard.size(), 3u);
          EXPECT_TRUE(heard_only<reason::sibling_failed>(slow));
          if (fixture.is_fiber()) return;
          std::vector<std::function<int(context&)>> next(4, offload(
                                                                fixture.here(), [](int x) { return x + 1; }, 1));
          EXPECT_EQ(all(std::move(next))(s), (std::vector<int>{2, 2, 2, 2})) << "four workers serve again";
        });
        fixture.outlast();
        EXPECT_EQ(items.started, 4) << "an item was started after the failure";
        EXPECT_EQ(items.most, 4);
        if (!fixture.is_fiber()) {
          EXPECT_EQ(fixture.receipt().stops.size(), 3u);
        }
      },
      {.workers = 4, .spares = 1});
}

INSTANTIATE_TEST_SUITE_P(On, PoolWithAFailure, every_boundary(), name_of);

class PoolWithAFailureOnManualClock : public acceptance {};

TEST_P(PoolWithAFailureOnManualClock, NothingIsCompletedAfterTheFailure) {
  run_scenario([](scenario_fixture& fixture) {
    int completed = 0, started = 0;
    fixture.run([&](scope& s) {
      const auto start = s.now();
      std::vector<std::function<void(context&)>> items;
      for (int i = 0; i < 10; ++i)
        items.emplace_back([&, i](context& ctx) {
          ++started;
          ctx.sleep_for(i == 3 ? 20ms : 100ms);
          if (i == 3) throw std::runtime_error("the fourth");
          ++completed;
        });
      EXPECT_THROW(pool(4, std::move(items))(s), std::runtime_error);
      EXPECT_EQ(s.now(), start + 20ms);
      s.sleep_for(1h);
      EXPECT_EQ(started, 4);
      EXPECT_EQ(completed, 0);
    });
  });
}

TEST_P(PoolWithAFailureOnManualClock, ControlArmUnderASemaphoreAllOthersAreCompletedAfterTheFailure) {
  run_scenario([](scenario_fixture& fixture) {
    int completed = 0;
    fixture.run([&](scope& s) {
      semaphore four(4);
      for (int i = 0; i < 10; ++i)
        s.spawn({.background = true}, [&, i](context& ctx) {
          const semaphore::permit permit(four);
          ctx.sleep_for(i == 3 ? 20ms : 100ms);
          if (i == 3) throw std::runtime_error("the fourth");
          ++completed;
        });
      s.sleep_for(20ms);
      EXPECT_EQ(completed, 0);
      s.sleep_for(1h);
    });
    EXPECT_EQ(completed, 9);
  });
}

INSTANTIATE_TEST_SUITE_P(On, PoolWithAFailureOnManualClock, on_manual_clock(), name_of);

}  // namespace
}  // namespace workit::test
