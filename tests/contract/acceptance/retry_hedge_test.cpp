// A cancelled retry starts no further attempt; a hedge joins its losers.
#include "acceptance.hpp"

namespace workit::test {
namespace {

class RetryUnderCancellation : public acceptance {};

TEST_P(RetryUnderCancellation, CancelledInAnAttemptEndsThatAndStartsNoOther) {
  run_scenario([](scenario_fixture& fixture) {
    auto& slow = fixture.make_part();
    fixture.run([&](scope& s) {
      auto t = s.spawn(retry({.times = 8, .backoff = backoff::fixed, .initial_delay = 1ms}, slow.body()));
      slow.await(s);
      t.cancel("stop");
      const auto ended = t.result();
      fixture.returned();
      ASSERT_TRUE(ended.is_cancelled());
      EXPECT_EQ(describe(ended.why()), "manual: stop");
      s.sleep_for(100ms);
      EXPECT_EQ(slow.begun(), 1);
    });
    fixture.outlast();
    EXPECT_EQ(slow.begun(), 1) << "an attempt was started after the cancellation";
  });
}

TEST_P(RetryUnderCancellation, CancelledInADelayStartsNoOther) {
  run_scenario([](scenario_fixture& fixture) {
    int attempts = 0;
    fixture.run([&](scope& s) {
      const auto fails = [&](context& ctx) -> int {
        ++attempts;
        if (!fixture.is_fiber()) return offload(fixture.here(), []() -> int { throw std::out_of_range("again"); })(ctx);
        throw std::out_of_range("again");
      };
      auto t = s.spawn(retry({.times = 8, .backoff = backoff::fixed, .initial_delay = 2s, .jitter = false}, fails));
      while (attempts == 0 || s.status().tasks.at(0).waits_for != "sleep") s.sleep_for(1ms);
      t.cancel("stop");
      EXPECT_TRUE(t.result().is_cancelled());
      s.sleep_for(3s);
      EXPECT_EQ(attempts, 1);
      EXPECT_THROW(retry({.times = 3, .backoff = backoff::fixed, .initial_delay = 1ms}, fails)(s), std::exception);
      EXPECT_EQ(attempts, 4) << "the control arm: this one was not cancelled";
    });
  });
}

INSTANTIATE_TEST_SUITE_P(On, RetryUnderCancellation, every_boundary(), name_of);

class RetryUnderCancellationOnManualClock : public acceptance {
 protected:
  /// Fails after 20 ms; with a retry's 50 ms in between, attempts begin at 0, 70, 140, ...
  static auto failing(int& attempts) {
    return [&attempts](context& ctx) -> int {
      ++attempts;
      ctx.sleep_for(20ms);
      throw std::runtime_error("again");
    };
  }
};

TEST_P(RetryUnderCancellationOnManualClock, CancelledAtAnyInstantItEndsThereAndLeavesNoTimer) {
  for (const auto at : {0ms, 10ms, 50ms, 75ms, 200ms})
    run_scenario([&](scenario_fixture& fixture) {
      int attempts = 0;
      time_point asked{};
      fixture.run([&](scope& s) {
        auto t = s.spawn(
            retry({.times = 8, .backoff = backoff::fixed, .initial_delay = 50ms, .jitter = false}, failing(attempts)));
        s.sleep_for(at);
        const auto before = attempts;
        asked = s.now();
        t.cancel("stop");
        EXPECT_EQ(describe(t.result().why()), "manual: stop");
        EXPECT_EQ(s.now(), asked);
        EXPECT_EQ(attempts, before);
      });
      std::this_thread::sleep_for(1ms);
      fixture.rt().run(
          [&](scope& s) { EXPECT_EQ(s.now(), asked) << "a timer was left, and the clock has jumped to it"; });
    });
}

TEST_P(RetryUnderCancellationOnManualClock, ControlArmALoopThatTakesEveryThrowForAFailureGoesOn) {
  run_scenario([](scenario_fixture& fixture) {
    int attempts = 0;
    fixture.run([&](scope& s) {
      auto t = s.spawn([&](context& ctx) {
        for (int n = 0; n < 8; ++n) try {
            uncancellable(1h, failing(attempts))(ctx);
          } catch (const std::runtime_error&) {
            uncancellable(1h, [](context& c) { c.sleep_for(50ms); })(ctx);
          }
      });
      s.sleep_for(50ms);
      EXPECT_EQ(attempts, 1);
      const auto asked = s.now();
      t.cancel("stop");
      t.wait();
      EXPECT_EQ(attempts, 8);
      EXPECT_EQ(s.now(), asked + 510ms);
    });
  });
}

INSTANTIATE_TEST_SUITE_P(On, RetryUnderCancellationOnManualClock, on_manual_clock(), name_of);

class HedgeWithLosers : public acceptance {};

TEST_P(HedgeWithLosers, ReturnsWhenTheAttemptsThatLostAreDead) {
  run_scenario(
      [](scenario_fixture& fixture) {
        auto& slow = fixture.make_part();
        int begun = 0;
        fixture.run([&](scope& s) {
          // Two attempts hang, the third succeeds once both are at work.
          const auto attempt = [&](context& ctx) -> int {
            if (begun++ < 2) return slow.body()(ctx);
            slow.await(ctx, 2);
            return 7;
          };
          EXPECT_EQ(hedge({.after = 50ms, .max = 3}, attempt)(s), 7);
          fixture.returned();
        });
        EXPECT_EQ(begun, 3);
        EXPECT_EQ(slow.heard.size(), 2u);
        EXPECT_TRUE(heard_only<reason::race_lost>(slow));
        fixture.outlast();
        EXPECT_EQ(begun, 3);
      },
      {.workers = 2, .spares = 1});
}

TEST_P(HedgeWithLosers, WithAStartThatThrowsStaysInsideItsScope) {
  run_scenario([](scenario_fixture& fixture) {
    auto& slow = fixture.make_part();
    int begun = 0;
    fixture.run([&](scope& s) {
      const auto attempt = [&](context& ctx) -> int {
        if (begun++ == 0) return slow.body()(ctx);
        slow.await(ctx);
        throw std::out_of_range("the later ones");
      };
      auto t = s.spawn({.background = true}, hedge({.after = 1ms, .max = 3}, attempt));
      slow.await(s);
      while (begun < 3) s.sleep_for(1ms);
      s.sleep_for(10ms);
      EXPECT_EQ(slow.live(), 1) << "failures of the others do not end the first";
      t.cancel("enough");
      EXPECT_TRUE(t.result().is_cancelled());
      fixture.returned();
    });
    fixture.outlast();
  });
}

INSTANTIATE_TEST_SUITE_P(On, HedgeWithLosers, every_boundary(), name_of);

class HedgeWithLosersOnManualClock : public acceptance {
 protected:
  struct life {
    std::vector<duration> starts{};
    int lost = 0, ended = 0;
  };
  static auto attempt(duration takes, life& seen, time_point start) {
    return [=, &seen](context& ctx) {
      seen.starts.push_back(ctx.now() - start);
      try {
        ctx.sleep_for(takes);
      } catch (const cancelled& c) {
        seen.lost += std::holds_alternative<reason::race_lost>(c.why());
        throw;
      }
      ++seen.ended;
    };
  }
};

TEST_P(HedgeWithLosersOnManualClock, ASlowBodyIsStartedThreeTimesAndLosesTwice) {
  run_scenario([](scenario_fixture& fixture) {
    life seen;
    fixture.run([&](scope& s) {
      const auto start = s.now();
      hedge({.after = 50ms, .max = 3}, attempt(200ms, seen, start))(s);
      EXPECT_EQ(s.now(), start + 200ms);
      EXPECT_EQ(seen.lost, 2);
      s.sleep_for(1h);
    });
    EXPECT_EQ(seen.starts, (std::vector<duration>{0ms, 50ms, 100ms}));
    EXPECT_EQ(seen.ended, 1);
  });
}

TEST_P(HedgeWithLosersOnManualClock, AFastBodyIsStartedOnce) {
  run_scenario([](scenario_fixture& fixture) {
    life seen;
    fixture.run([&](scope& s) {
      hedge({.after = 50ms, .max = 3}, attempt(30ms, seen, s.now()))(s);
      s.sleep_for(1h);
    });
    EXPECT_EQ(seen.starts, std::vector<duration>{0ms});
    EXPECT_EQ(seen.lost, 0);
  });
}

TEST_P(HedgeWithLosersOnManualClock, ControlArmAttemptsThatAreNotCancelledAllRunToTheirEnd) {
  run_scenario([](scenario_fixture& fixture) {
    life seen;
    fixture.run([&](scope& s) {
      for (int n = 0; n < 3; ++n) {
        s.spawn(attempt(200ms, seen, s.now()));
        s.sleep_for(50ms);
      }
    });
    EXPECT_EQ(seen.ended, 3);
  });
}

INSTANTIATE_TEST_SUITE_P(On, HedgeWithLosersOnManualClock, on_manual_clock(), name_of);

}  // namespace
}  // namespace workit::test
