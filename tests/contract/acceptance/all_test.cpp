// all() throws the first failure when every other branch is dead and cleaned up.
#include <random>
#include <support/seed.hpp>

#include "acceptance.hpp"

namespace workit::test {
namespace {

class AllWithAFailedBranch : public acceptance {};

TEST_P(AllWithAFailedBranch, ReturnsWhenEveryOtherBranchIsDead) {
  run_scenario([](scenario_fixture& fixture) {
    auto& slow = fixture.make_part();
    const auto own = std::make_exception_ptr(std::out_of_range("its own"));
    fixture.run([&](scope& s) {
      try {
        all(slow.body(), fails_beside(slow, own))(s);
        ADD_FAILURE() << "the failure was lost";
      } catch (const std::out_of_range&) {
        fixture.returned();
        EXPECT_EQ(std::current_exception(), own) << "the very object";
      }
    });
    EXPECT_TRUE(heard_only<reason::sibling_failed>(slow));
    EXPECT_EQ(std::get<reason::sibling_failed>(slow.heard.at(0)).error, own);
    fixture.outlast();
  });
}

TEST_P(AllWithAFailedBranch, ControlArmABranchThatIsNotStoppedReachesItsEndAndIsWaitedFor) {
  run_scenario([](scenario_fixture& fixture) {
    auto& slow = fixture.make_part();
    fixture.run([&](scope& s) {
      const auto [loop, failure] = all_settled(slow.body(), [&](context& ctx) -> int {
        slow.await(ctx);
        fixture.let_out();
        throw std::out_of_range("caught by the task");
      })(s);
      EXPECT_TRUE(loop.has_value());
      EXPECT_TRUE(failure.is_error());
      EXPECT_EQ(slow.ended(), 1);
    });
  });
}

INSTANTIATE_TEST_SUITE_P(On, AllWithAFailedBranch, every_boundary(), name_of);

class AllWithAFailedBranchOnManualClock : public acceptance {
 protected:
  /// A succeeds at 50 ms, B fails at 30, C succeeds at 100.
  static auto branch(duration takes, bool fails, std::vector<std::string>& log, std::string name) {
    return [=, &log](context& ctx) {
      ctx.defer([=, &log] { log.push_back(name + " cleaned"); });
      try {
        ctx.sleep_for(takes);
      } catch (const cancelled& c) {
        log.push_back(name + " " + std::string(kind_of(c.why())));
        throw;
      }
      if (fails) throw std::runtime_error(name);
      log.push_back(name + " ended");
      return 1;
    };
  }
};

TEST_P(AllWithAFailedBranchOnManualClock, ThrowsAtTheInstantOfTheFailureAfterAllCleanups) {
  run_scenario([](scenario_fixture& fixture) {
    std::vector<std::string> log;
    fixture.run([&](scope& s) {
      const auto start = s.now();
      EXPECT_THROW(all(branch(50ms, false, log, "A"), branch(30ms, true, log, "B"), branch(100ms, false, log, "C"))(s),
                   std::runtime_error);
      EXPECT_EQ(s.now(), start + 30ms);
      EXPECT_EQ(log.size(), 5u);
      std::sort(log.begin(), log.end());
      EXPECT_EQ(log, (std::vector<std::string>{"A cleaned", "A sibling_failed", "B cleaned", "C cleaned",
                                               "C sibling_failed"}));
      s.sleep_for(1h);
      EXPECT_EQ(log.size(), 5u);
    });
  });
}

TEST_P(AllWithAFailedBranchOnManualClock, ControlArmBranchesWithoutAnOwnerRunOnAfterTheFailure) {
  run_scenario([](scenario_fixture& fixture) {
    std::vector<std::string> log;
    fixture.run([&](scope& s) {
      detached(s, branch(50ms, false, log, "A"));
      auto b = detached(s, branch(30ms, true, log, "B"));
      detached(s, branch(100ms, false, log, "C"));
      EXPECT_THROW(b.get(), std::runtime_error);
      s.sleep_for(1s);
      EXPECT_EQ(log, (std::vector<std::string>{"B cleaned", "A ended", "A cleaned", "C ended", "C cleaned"}));
    });
  });
}

TEST_P(AllWithAFailedBranchOnManualClock, AFailureAmongHundredsCancelsAllAndDrainsTheirCleanups) {
  const auto seed = test::seed();
  std::mt19937_64 random(seed);
  run_scenario([&](scenario_fixture& fixture) {
    for (int round = 0; round < 10; ++round) {
      int begun = 0, cleaned = 0, told = 0;
      const auto failing_one = random() % 256;
      fixture.rt().run([&](scope& s) {
        std::vector<std::function<int(context&)>> parts;
        for (std::size_t i = 0; i < 256; ++i)
          parts.emplace_back([&, i, cleanup = std::chrono::microseconds(random() % 1000)](context& ctx) -> int {
            ++begun;
            ctx.defer([&, cleanup](context& c) {
              c.sleep_for(cleanup);
              ++cleaned;
            });
            try {
              ctx.sleep_for(i == failing_one ? 1ms : 1h);
            } catch (const cancelled& c) {
              told += std::holds_alternative<reason::sibling_failed>(c.why());
              throw;
            }
            throw std::runtime_error("one of hundreds");
          });
        EXPECT_THROW(all(std::move(parts))(s), std::runtime_error);
        EXPECT_EQ(begun, 256);
        EXPECT_EQ(cleaned, 256) << "seed " << seed;
        EXPECT_EQ(told, 255) << "seed " << seed;
      });
    }
  });
}

INSTANTIATE_TEST_SUITE_P(On, AllWithAFailedBranchOnManualClock, on_manual_clock(), name_of);

}  // namespace
}  // namespace workit::test
