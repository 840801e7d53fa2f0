// AC-08: a shield holds a cancellation off its whole subtree, and has a limit that nothing escapes.
#include "acceptance.hpp"

namespace workit::test {
namespace {

class Ac08Shield : public acceptance {};

TEST_P(Ac08Shield, HoldsTheCancellationAndStopsItsBodyAtItsOwnLimit) {
  play([](stage& on) {
    auto& slow = on.make_part("part", 3 * natural_end);  // so that it has begun by its limit on any machine
    on.run([&](scope& s) {
      auto t = s.spawn(uncancellable(3 * natural_end / 2, slow.body()));
      slow.await(s);
      t.cancel("not yet");
      const auto asked = machine::now();
      s.sleep_for(20ms);
      EXPECT_EQ(slow.live(), 1) << "the shield let the cancellation through";
      const auto ended = t.result();
      on.returned();
      ASSERT_TRUE(ended.is_cancelled());
      EXPECT_EQ(describe(ended.why()), "manual: not yet");
      if (!on.is_fiber()) {
        EXPECT_GT(slow.last_moved(), asked);
      }
    });
    EXPECT_TRUE(heard_only<reason::timeout>(slow));
    on.outlast();
  });
}

TEST_P(Ac08Shield, CoversWhatIsStartedInsideAfterTheCancellation) {
  play(
      [](stage& on) {
        int sum = 0;
        on.run([&](scope& s) {
          manual_reset_event inside, decided;
          auto t = s.spawn(uncancellable(1min, [&](context& ctx) {
            inside.set();
            decided.wait();
            const auto part = [&](int x) -> std::function<int(context&)> {
              if (!on.is_fiber())
                return offload(
                    on.here(), [](int y) { return y; }, x);
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

TEST_P(Ac08Shield, ControlArmWithoutItTheCancellationStopsTheBody) {
  play([](stage& on) {
    auto& slow = on.make_part();
    on.run([&](scope& s) {
      auto t = s.spawn(slow.body());
      slow.await(s);
      t.cancel("now");
      t.wait();
      on.returned();
    });
    EXPECT_TRUE(heard_only<reason::manual>(slow));
    on.outlast();
  });
}

INSTANTIATE_TEST_SUITE_P(On, Ac08Shield, every_boundary(), name_of);

class Ac08ShieldByTheClock : public acceptance {};

TEST_P(Ac08ShieldByTheClock, ItsBodyCompletesAndTheCancellationShowsAfterwards) {
  play([](stage& on) {
    bool completed = false, stopping = true;
    on.run([&](scope& s) {
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

TEST_P(Ac08ShieldByTheClock, ItsLimitEndsABodyThatTakesTooLong) {
  play([](stage& on) {
    std::string heard;
    on.run([&](scope& s) {
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

TEST_P(Ac08ShieldByTheClock, NestedOnesKeepTheFirstReason) {
  play([](stage& on) {
    int ended = 0;
    on.run([&](scope& s) {
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

INSTANTIATE_TEST_SUITE_P(On, Ac08ShieldByTheClock, by_the_clock(), name_of);

}  // namespace
}  // namespace workit::test
