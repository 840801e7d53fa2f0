// AC-02 and AC-03: race() and any() return when every loser is dead and knows who has won.
#include "acceptance.hpp"

namespace workit::test {
namespace {

class Ac02Race : public acceptance {};

TEST_P(Ac02Race, ReturnsWhenItsLoserIsDead) {
  play([](stage& on) {
    auto& slow = on.make_part();
    on.run([&](scope& s) {
      EXPECT_EQ(race(slow.body(), quick_beside(slow))(s), 7);
      on.returned();
      EXPECT_FALSE(s.stopping());
    });
    EXPECT_TRUE(heard_only<reason::race_lost>(slow));
    if (!on.is_fiber()) {
      const auto& stop = on.receipt().stops.at(0).receipt;
      EXPECT_EQ(stop.where, on.where());
      EXPECT_EQ(stop.method, stop_method_at(on.where()));
      EXPECT_NE(stop.proof, stop_proof::none);
      EXPECT_TRUE(std::holds_alternative<reason::race_lost>(stop.why));
      EXPECT_LE(slow.last_moved(), stop.stopped);
    }
    on.outlast();
  });
}

TEST_P(Ac02Race, ControlArmWithoutARaceTheSlowerOneReachesItsEnd) {
  play([](stage& on) {
    auto& slow = on.make_part();
    on.run([&](scope& s) {
      s.spawn(slow.body());
      EXPECT_EQ(s.spawn(quick_beside(slow)).get(), 7);
      EXPECT_EQ(slow.ended(), 0);
    });
    EXPECT_EQ(slow.ended(), 1);
  });
}

INSTANTIATE_TEST_SUITE_P(On, Ac02Race, every_boundary(), name_of);

class Ac02RaceByTheClock : public acceptance {
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

TEST_P(Ac02RaceByTheClock, TheFastestWinsAndTheLosersAreToldAndJoined) {
  play([](stage& on) {
    life seen;
    on.run([&](scope& s) {
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

TEST_P(Ac02RaceByTheClock, ControlArmWithoutARaceTheOthersRunToTheirEnd) {
  play([](stage& on) {
    life seen;
    on.run([&](scope& s) {
      s.spawn(call({"slow", 80ms}, seen));
      auto fast = s.spawn(call({"fast", 10ms}, seen));
      s.spawn(call({"medium", 50ms}, seen));
      EXPECT_EQ(fast.get(), "fast");
    });
    EXPECT_EQ(seen.ended, (std::vector<std::string>{"fast", "medium", "slow"}));
  });
}

TEST_P(Ac02RaceByTheClock, ALoserThatDoesNotAnswerIsReportedEachSecondAndWaitedFor) {
  play([](stage& on) {
    std::vector<duration> reported;
    on.run([&](scope& s) {
      const auto start = s.now();
      s.on_event([&](const lifecycle_event& e) {
        if (const auto* late = std::get_if<event::loser_unresponsive>(&e.body)) reported.push_back(late->waited);
      });
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

INSTANTIATE_TEST_SUITE_P(On, Ac02RaceByTheClock, by_the_clock(), name_of);

class Ac03Any : public acceptance {};

TEST_P(Ac03Any, PassesOverAFailureAndReturnsWhenItsLoserIsDead) {
  play([](stage& on) {
    auto& slow = on.make_part();
    on.run([&](scope& s) {
      const auto fails = []() -> int { throw std::out_of_range("not this one"); };
      EXPECT_EQ(any(fails, slow.body(), quick_beside(slow))(s), 7);
      on.returned();
    });
    EXPECT_TRUE(heard_only<reason::race_lost>(slow));
    on.outlast();
  });
}

TEST_P(Ac03Any, OfACancelledScopeGivesThatReasonWhenAllAreDead) {
  play([](stage& on) {
    auto& slow = on.make_part();
    on.run([&](scope& s) {
      const auto fails = []() -> int { throw std::out_of_range("not this one"); };
      auto t = s.spawn(any(fails, slow.body()));
      slow.await(s);
      t.cancel("enough");
      const auto ended = t.result();
      on.returned();
      ASSERT_TRUE(ended.is_cancelled()) << "not an aggregate of errors";
      EXPECT_EQ(describe(ended.why()), "manual: enough");
    });
    on.outlast();
  });
}

TEST_P(Ac03Any, ControlArmWithoutAWinnerTheLastCandidateIsWaitedFor) {
  play([](stage& on) {
    auto& slow = on.make_part();
    on.run([&](scope& s) {
      const auto fails = []() -> int { throw std::out_of_range("not this one"); };
      EXPECT_EQ(any(fails, slow.body())(s), 42);
    });
    EXPECT_EQ(slow.ended(), 1);
  });
}

INSTANTIATE_TEST_SUITE_P(On, Ac03Any, every_boundary(), name_of);

}  // namespace
}  // namespace workit::test
