// hedge(): attempts beside each other.
#include "branches.hpp"

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

class Hedge : public test::runtime_test {
 protected:
  std::vector<duration> starts;
  std::vector<std::string> lost;
  int live = 0;

  // Attempt i takes the i-th time, and fails when that is negative.
  auto attempts(std::vector<duration> times) {
    return [this, times = std::move(times), begun = std::optional<time_point>()](context& ctx) mutable {
      if (!begun) begun = ctx.now();
      const auto mine = starts.size();
      starts.push_back(ctx.now() - *begun);
      ++live;
      ctx.defer([this] { --live; });
      try {
        ctx.sleep_for(std::chrono::abs(times.at(mine)));
      } catch (const cancelled& c) {
        lost.emplace_back(kind_of(c.why()));
        throw;
      }
      if (times.at(mine) < 0s) throw std::runtime_error("attempt " + std::to_string(mine));
      return mine;
    };
  }
};
using list = std::vector<duration>;

TEST_F(Hedge, StartsAnotherAttemptEachTimeItHasWaited) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    EXPECT_EQ(hedge({.after = 50ms, .max = 3}, attempts({200ms, 200ms, 200ms}))(s), 0u);
    EXPECT_EQ(live, 0) << "losers are joined";
  });
  EXPECT_EQ(starts, (list{0ms, 50ms, 100ms}));
  EXPECT_EQ(lost, (std::vector<std::string>(2, "race_lost")));
}

TEST_F(Hedge, StartsOneAttemptOnlyWhenThatIsFast) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    EXPECT_EQ(hedge({.after = 50ms, .max = 3}, attempts({30ms}))(s), 0u);
    s.sleep_for(1h);
  });
  EXPECT_EQ(starts.size(), 1u);
}

TEST_F(Hedge, IsWonByWhicheverAttemptSucceedsFirst) {
  manual_runtime rt;
  EXPECT_EQ(rt.run(hedge({.after = 50ms, .max = 3}, attempts({1h, 10ms}))), 1u);
  EXPECT_EQ(starts, (list{0ms, 50ms}));
}

TEST_F(Hedge, StartsTheNextAtOnceWhenAnAttemptFails) {
  manual_runtime rt;
  EXPECT_EQ(rt.run(hedge({.after = 50ms, .max = 4}, attempts({-10ms, 1h, 1h, 20ms}))), 3u);
  EXPECT_EQ(starts, (list{0ms, 10ms, 60ms, 110ms})) << "and waits again from there";
}

TEST_F(Hedge, ThrowsAllErrorsWhenAllAttemptsFail) {
  manual_runtime rt;
  try {
    rt.run(hedge({.after = 50ms, .max = 3}, attempts({-100ms, -10ms, -60ms})));
    ADD_FAILURE();
  } catch (const aggregate_error& e) {
    EXPECT_STREQ(e.what(), "hedge(): all 3 attempts failed");
    ASSERT_EQ(e.errors().size(), 3u);
    EXPECT_EQ(test::what_of(e.errors()[0]), "attempt 1");
  }
}

TEST_F(Hedge, StartsNothingMoreOnceItIsCancelled) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    auto t = s.spawn(hedge({.after = 50ms, .max = 10}, attempts(list(10, 1h))));
    s.sleep_for(60ms);
    t.cancel("enough");
    EXPECT_TRUE(t.result().is_cancelled());
    s.sleep_for(1h);
  });
  EXPECT_EQ(starts.size(), 2u);
  EXPECT_EQ(lost, (std::vector<std::string>(2, "manual")));
}

TEST_F(Hedge, DoesNotBeginInAScopeThatIsStopping) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    s.cancel("before");
    test::reason_of([&] { hedge({.after = 50ms}, attempts({1ms, 1ms}))(s); });
  });
  EXPECT_TRUE(starts.empty());
}

TEST(HedgeOptions, RefusesWhatCannotBe) {
  EXPECT_REFUSED((void)hedge({.after = 1s, .max = 0}, [] {}), "max is 0; it may be 1 to 1,000");
  EXPECT_REFUSED((void)hedge({.after = 1s, .max = 1001}, [] {}), "max is 1001; it may be 1 to 1,000");
  EXPECT_REFUSED((void)hedge({.max = 3}, [] {}), "after has to be more than zero");
  EXPECT_REFUSED((void)hedge({.after = 1s, .grace = 0s}, [] {}), "grace");
}

}  // namespace
}  // namespace workit
