// race() and any() return when every loser is dead and has its reason.
#include <workit/base/event.hpp>
#include "acceptance.hpp"

namespace workit::test {
namespace {

class RaceWithALoser : public acceptance {};

TEST_P(RaceWithALoser, ReturnsWhenItsLoserIsDead) {
  run_scenario([](scenario_fixture& fixture) {
    auto& slow = fixture.make_part();
    fixture.run([&](scope& s) {
      EXPECT_EQ(race(slow.body(), quick_beside(slow))(s), 7);
      fixture.returned();
      EXPECT_FALSE(s.stopping());
    });
    EXPECT_TRUE(heard_only<reason::race_lost>(slow));
    if (!fixture.is_fiber()) {
      const auto& stop = fixture.receipt().stops.at(0).receipt;
      EXPECT_EQ(stop.where, fixture.where());
      EXPECT_EQ(stop.method, stop_method_at(fixture.where()));
      EXPECT_NE(stop.proof, stop_proof::none);
      EXPECT_TRUE(std::holds_alternative<reason::race_lost>(stop.why));
      EXPECT_LE(slow.last_moved(), stop.stopped);
    }
    fixture.outlast();
  });
}

TEST_P(RaceWithALoser, ControlArmWithoutARaceTheSlowerOneReachesItsEnd) {
  run_scenario([](scenario_fixture& fixture) {
    auto& slow = fixture.make_part();
    fixture.run([&](scope& s) {
      s.spawn(slow.body());
      EXPECT_EQ(s.spawn(quick_beside(slow)).get(), 7);
      EXPECT_EQ(slow.ended(), 0);
      fixture.let_out();
    });
    EXPECT_EQ(slow.ended(), 1);
  });
}

INSTANTIATE_TEST_SUITE_P(On, RaceWithALoser, every_boundary(), name_of);

class RaceWithALoserOnManualClock : public acceptance {
 protected:
  struct provider {
    std::string name;
    duration takes;
  };
  struct life {
    std::vector<std::string> ended{}, cleaned{};
    std::vector<work_id> told{};
    work_id winner = 0;
  };
  static auto call(provider p, life& seen) {
    return [p, &seen](context& ctx) {
      ctx.defer([&seen, p] { seen.cleaned.push_back(p.name); });
      try {
        ctx.sleep_for(p.takes);
      } catch (const cancelled& c) {
        seen.told.push_back(std::get<reason::race_lost>(c.why()).winner);
        throw;
      }
      seen.winner = ctx.id();
      seen.ended.push_back(p.name);
      return p.name;
    };
  }
};

TEST_P(RaceWithALoserOnManualClock, TheFastestWinsAndTheLosersAreToldAndJoined) {
  run_scenario([](scenario_fixture& fixture) {
    life seen;
    fixture.run([&](scope& s) {
      const auto start = s.now();
      EXPECT_EQ(race(call({"slow", 80ms}, seen), call({"fast", 10ms}, seen), call({"medium", 50ms}, seen))(s), "fast");
      EXPECT_EQ(s.now(), start + 10ms);
      EXPECT_EQ(seen.cleaned.size(), 3u) << "before it returns";
      EXPECT_EQ(seen.told, (std::vector<work_id>{seen.winner, seen.winner}));
      s.sleep_for(1h);
    });
    EXPECT_EQ(seen.ended, std::vector<std::string>{"fast"});
  });
}

TEST_P(RaceWithALoserOnManualClock, ControlArmWithoutARaceTheOthersRunToTheirEnd) {
  run_scenario([](scenario_fixture& fixture) {
    life seen;
    fixture.run([&](scope& s) {
      s.spawn(call({"slow", 80ms}, seen));
      auto fast = s.spawn(call({"fast", 10ms}, seen));
      s.spawn(call({"medium", 50ms}, seen));
      EXPECT_EQ(fast.get(), "fast");
    });
    EXPECT_EQ(seen.ended, (std::vector<std::string>{"fast", "medium", "slow"}));
  });
}

TEST_P(RaceWithALoserOnManualClock, ALoserThatDoesNotAnswerIsReportedEachSecondAndWaitedFor) {
  run_scenario([](scenario_fixture& fixture) {
    std::vector<duration> reported;
    fixture.run([&](scope& s) {
      const auto start = s.now();
      s.on_event([&](const lifecycle_event& e) {
         if (const auto* late = std::get_if<event::loser_unresponsive>(&e.body)) reported.push_back(late->waited);
       }).keep();
      const auto deaf = uncancellable(1min, [](context& ctx) {
        ctx.sleep_for(4500ms);
        return 1;
      });
      const auto quick = [](context& ctx) {
        ctx.sleep_for(1s);
        return 2;
      };
      EXPECT_EQ(race(deaf, quick)(s), 2);
      EXPECT_EQ(s.now(), start + 4500ms) << "its frame may be referred to";
      EXPECT_EQ(reported, (std::vector<duration>{1s, 2s, 3s}));
      reported.clear();
      EXPECT_EQ(race(quick,
                     [](context& ctx) {
                       ctx.sleep_for(1h);
                       return 1;
                     })(s),
                2);
      s.sleep_for(1h);
      EXPECT_TRUE(reported.empty()) << "the control arm: one that answers is not reported";
    });
  });
}

INSTANTIATE_TEST_SUITE_P(On, RaceWithALoserOnManualClock, on_manual_clock(), name_of);

class AnyWithALoser : public acceptance {};

TEST_P(AnyWithALoser, PassesOverAFailureAndReturnsWhenItsLoserIsDead) {
  run_scenario([](scenario_fixture& fixture) {
    auto& slow = fixture.make_part();
    fixture.run([&](scope& s) {
      const auto fails = []() -> int { throw std::out_of_range("not this one"); };
      EXPECT_EQ(any(fails, slow.body(), quick_beside(slow))(s), 7);
      fixture.returned();
    });
    EXPECT_TRUE(heard_only<reason::race_lost>(slow));
    fixture.outlast();
  });
}

TEST_P(AnyWithALoser, OfACancelledScopeGivesThatReasonWhenAllAreDead) {
  run_scenario([](scenario_fixture& fixture) {
    auto& slow = fixture.make_part();
    fixture.run([&](scope& s) {
      const auto fails = []() -> int { throw std::out_of_range("not this one"); };
      auto t = s.spawn(any(fails, slow.body()));
      slow.await(s);
      t.cancel("enough");
      const auto ended = t.result();
      fixture.returned();
      ASSERT_TRUE(ended.is_cancelled()) << "not an aggregate of errors";
      EXPECT_EQ(describe(ended.why()), "manual: enough");
    });
    fixture.outlast();
  });
}

TEST_P(AnyWithALoser, ControlArmWithoutAWinnerTheLastCandidateIsWaitedFor) {
  run_scenario([](scenario_fixture& fixture) {
    auto& slow = fixture.make_part();
    fixture.run([&](scope& s) {
      const auto fails = [&]() -> int {
        fixture.let_out();
        throw std::out_of_range("not this one");
      };
      EXPECT_EQ(any(fails, slow.body())(s), 42);
    });
    EXPECT_EQ(slow.ended(), 1);
  });
}

INSTANTIATE_TEST_SUITE_P(On, AnyWithALoser, every_boundary(), name_of);

}  // namespace
}  // namespace workit::test
