// AC-04: pool() keeps its limit; a failure stops what runs, and what waits never starts.
#include "acceptance.hpp"

namespace workit::test {
namespace {

/// Ten items of which the fourth fails when the three before it are at work; the others go on to their natural end.
struct ten_items {
  explicit ten_items(stage::part& p) : slow(p) {}

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

  stage::part& slow;
  int started = 0, active = 0, most = 0;
};

class Ac04Pool : public acceptance {};

TEST_P(Ac04Pool, StopsWhatRunsStartsNothingMoreAndHasItsWorkersReady) {
  play(
      [](stage& on) {
        auto& slow = on.make_part();
        ten_items items(slow);
        on.run([&](scope& s) {
          EXPECT_THROW(pool(4, items.functions())(s), std::out_of_range);
          on.returned();
          EXPECT_EQ(items.active, 0);
          EXPECT_EQ(items.started, 4);
          EXPECT_EQ(slow.heard.size(), 3u);
          EXPECT_TRUE(heard_only<reason::sibling_failed>(slow));
          if (on.is_fiber()) return;
          std::vector<std::function<int(context&)>> next(4, offload(
                                                                on.here(), [](int x) { return x + 1; }, 1));
          EXPECT_EQ(all(std::move(next))(s), (std::vector<int>{2, 2, 2, 2})) << "four workers serve again";
        });
        on.outlast();
        EXPECT_EQ(items.started, 4) << "an item was started after the failure";
        EXPECT_EQ(items.most, 4);
        if (!on.is_fiber()) {
          EXPECT_EQ(on.receipt().stops.size(), 3u);
        }
      },
      {.workers = 4, .spares = 1});
}

INSTANTIATE_TEST_SUITE_P(On, Ac04Pool, every_boundary(), name_of);

class Ac04PoolByTheClock : public acceptance {};

TEST_P(Ac04PoolByTheClock, NothingIsCompletedAfterTheFailure) {
  play([](stage& on) {
    int completed = 0, started = 0;
    on.run([&](scope& s) {
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

TEST_P(Ac04PoolByTheClock, ControlArmUnderASemaphoreAllOthersAreCompletedAfterTheFailure) {
  play([](stage& on) {
    int completed = 0;
    on.run([&](scope& s) {
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

INSTANTIATE_TEST_SUITE_P(On, Ac04PoolByTheClock, by_the_clock(), name_of);

}  // namespace
}  // namespace workit::test
