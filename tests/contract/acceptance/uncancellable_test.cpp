// A shield holds a cancellation off its whole subtree, and has a limit that nothing escapes.
#include "acceptance.hpp"

namespace workit::test {
namespace {

class Shield : public acceptance {};

TEST_P(Shield, HoldsTheCancellationAndStopsItsBodyAtItsOwnLimit) {
  run_scenario([](scenario_fixture& fixture) {
    auto& slow = fixture.make_part("part", 3 * natural_end);  // so that it has begun by its limit on any machine
    fixture.run([&](scope& s) {
      auto t = s.spawn({.background = true}, uncancellable(3 * natural_end / 2, slow.body()));
      slow.await(s);
      t.cancel("not yet");
      const auto asked = machine::now();
      s.sleep_for(20ms);
      EXPECT_EQ(slow.live(), 1) << "the shield let the cancellation through";
      EXPECT_THROW(t.get(), timed_out) << "the limit is what ended it";
      fixture.returned();
      if (!fixture.is_fiber()) {
        EXPECT_GT(slow.last_moved(), asked);
      }
    });
    EXPECT_TRUE(heard_only<reason::timeout>(slow));
    fixture.outlast();
  });
}

TEST_P(Shield, CoversWhatIsStartedInsideAfterTheCancellation) {
  run_scenario(
      [](scenario_fixture& fixture) {
        int sum = 0;
        fixture.run([&](scope& s) {
          manual_reset_event inside, decided;
          auto t = s.spawn(uncancellable(1min, [&](context& ctx) {
            inside.set();
            decided.wait();
            const auto part = [&](int x) -> std::function<int(context&)> {
              if (!fixture.is_fiber())
                return offload(
                    fixture.here(), [](int y) { return y; }, x);
              return [x](context& c) {
                c.sleep_for(50ms);
                return x;
              };
            };
            std::vector<std::function<int(context&)>> parts{part(1), part(2)};
            for (const int x : all(std::move(parts))(ctx)) sum += x;
            sum += ctx.scope([&](scope& in) { return in.spawn(part(4)).get(); });
          }));
          inside.wait();
          EXPECT_TRUE(t.cancel("meanwhile"));
          decided.set();
          EXPECT_FALSE(t.result().is_error());
        });
        EXPECT_EQ(sum, 7);
      },
      {.workers = 2, .spares = 1});
}

TEST_P(Shield, ControlArmWithoutItTheCancellationStopsTheBody) {
  run_scenario([](scenario_fixture& fixture) {
    auto& slow = fixture.make_part();
    fixture.run([&](scope& s) {
      auto t = s.spawn(slow.body());
      slow.await(s);
      t.cancel("now");
      t.wait();
      fixture.returned();
    });
    EXPECT_TRUE(heard_only<reason::manual>(slow));
    fixture.outlast();
  });
}

INSTANTIATE_TEST_SUITE_P(On, Shield, every_boundary(), name_of);

class ShieldOnManualClock : public acceptance {};

TEST_P(ShieldOnManualClock, ItsBodyCompletesAndTheCancellationShowsAfterwards) {
  run_scenario([](scenario_fixture& fixture) {
    bool completed = false, stopping = true;
    fixture.run([&](scope& s) {
      const auto start = s.now();
      auto t = s.spawn([&](context& ctx) {
        uncancellable(1s, [&](context& inner) {
          inner.sleep_for(120ms);
          stopping = inner.stopping();
          completed = true;
        })(ctx);
        ctx.check();
        ADD_FAILURE() << "the cancellation was lost";
      });
      s.sleep_for(30ms);
      t.cancel("enough");
      EXPECT_EQ(describe(t.result().why()), "manual: enough");
      EXPECT_EQ(s.now(), start + 120ms);
    });
    EXPECT_TRUE(completed);
    EXPECT_FALSE(stopping);
  });
}

TEST_P(ShieldOnManualClock, ItsLimitEndsABodyThatTakesTooLong) {
  run_scenario([](scenario_fixture& fixture) {
    std::string heard;
    fixture.run([&](scope& s) {
      const auto start = s.now();
      EXPECT_THROW(uncancellable(100ms,
                                 [&](context& ctx) {
                                   try {
                                     ctx.sleep_for(2s);
                                   } catch (const cancelled& c) {
                                     heard = kind_of(c.why());
                                     throw;
                                   }
                                 })(s),
                   timed_out);
      EXPECT_EQ(s.now(), start + 100ms);
      EXPECT_FALSE(s.stopping());
    });
    EXPECT_EQ(heard, "timeout");
  });
}

TEST_P(ShieldOnManualClock, NestedOnesKeepTheFirstReason) {
  run_scenario([](scenario_fixture& fixture) {
    int ended = 0;
    fixture.run([&](scope& s) {
      auto t = s.spawn([&](context& ctx) {
        uncancellable(1s, [&](context& outer) {
          uncancellable(1s, [&](context& inner) {
            inner.sleep_for(80ms);
            ++ended;
          })(outer);
          ++ended;
        })(ctx);
        ctx.check();
      });
      s.sleep_for(20ms);
      t.cancel("first");
      t.cancel("second");
      EXPECT_EQ(describe(t.result().why()), "manual: first");
    });
    EXPECT_EQ(ended, 2);
  });
}

INSTANTIATE_TEST_SUITE_P(On, ShieldOnManualClock, on_manual_clock(), name_of);

}  // namespace
}  // namespace workit::test
