// uncancellable(): a bounded shield.
#include "branches.hpp"

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;
using test::sleeper;

class Uncancellable : public test::runtime_test {};

// Cancelled at 30 ms, the body takes 120 ms.
TEST_F(Uncancellable, HoldsACancellationUntilTheNextCancelPoint) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  bool completed = false;
  rt.run([&](scope& s) {
    auto t = s.spawn([&](context& ctx) {
      const int got = uncancellable(1s, [&](context& inner) {
        inner.sleep_for(120ms);
        EXPECT_FALSE(inner.stopping());
        completed = true;
        return 7;
      })(ctx);
      EXPECT_EQ(got, 7) << "what was completed is delivered";
      EXPECT_TRUE(ctx.stopping());
      ctx.check();
      ADD_FAILURE();
    });
    s.sleep_for(30ms);
    t.cancel("enough");
    const auto ended = t.result();
    ASSERT_TRUE(ended.is_cancelled());
    EXPECT_EQ(describe(ended.why()), "manual: enough");
  });
  EXPECT_TRUE(completed);
  EXPECT_EQ(rt.clock.now(), start + 120ms);
}

TEST_F(Uncancellable, ReturnsItsValueAndNoMoreWithoutACancellation) {
  manual_runtime rt;
  rt.run([](scope& s) {
    EXPECT_EQ(uncancellable(1s, sleeper(120ms, 7))(s), 7);
    s.sleep_for(1h);
    EXPECT_FALSE(s.stopping()) << "its limit ended with it";
  });
}

TEST_F(Uncancellable, HasATimeLimitOfItsOwn) {
  manual_runtime rt;
  std::string heard;
  const auto start = rt.clock.now();
  EXPECT_THROW(rt.run(uncancellable(100ms, sleeper(2s, 1, &heard))), timed_out);
  EXPECT_EQ(heard, "timeout");
  EXPECT_EQ(rt.clock.now(), start + 100ms);
}

TEST_F(Uncancellable, KeepsTheFirstReasonThroughNestedShields) {
  manual_runtime rt;
  int ended = 0;
  rt.run([&](scope& s) {
    auto t = s.spawn([&](context& ctx) {
      uncancellable(1s, [&](context& outer) {
        uncancellable(1s, [&](context& inner) {
          inner.sleep_for(80ms);
          ++ended;
        })(outer);
        outer.sleep_for(10ms);
        ++ended;
      })(ctx);
      ctx.check();
    });
    s.sleep_for(20ms);
    t.cancel("enough");
    EXPECT_EQ(describe(t.result().why()), "manual: enough");
  });
  EXPECT_EQ(ended, 2);
}

TEST_F(Uncancellable, ShieldsAlsoWhatIsStartedInsideAfterTheCancellation) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    auto t = s.spawn([&](context& ctx) {
      const auto got = uncancellable(1s, [](context& inner) {
        inner.sleep_for(50ms);
        const auto parts = all(sleeper(50ms, 1), sleeper(50ms, 2))(inner);
        return inner.scope([&](scope& in) {
          return in
              .spawn([&](context& c) {
                c.sleep_for(50ms);
                return std::get<0>(parts) + std::get<1>(parts);
              })
              .get();
        });
      })(ctx);
      EXPECT_EQ(got, 3);
    });
    s.sleep_for(20ms);
    t.cancel("enough");
    EXPECT_EQ(t.result().is_error(), false);
  });
}

TEST_F(Uncancellable, RunsAlsoInAScopeThatIsStoppingAlready) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    s.cancel("before");
    EXPECT_EQ(uncancellable(1s, sleeper(500ms, 7))(s), 7);
  });
}

TEST_F(Uncancellable, DoesNotSeeTheDeadlineAbove) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  bool completed = false;
  EXPECT_THROW(rt.run({.deadline = 1s},
                      [&](scope& s) {
                        uncancellable(5s, [&](context& ctx) {
                          EXPECT_EQ(ctx.deadline().remaining(ctx.now()), 5s);
                          ctx.sleep_for(3s);
                          completed = true;
                        })(s);
                        s.check();
                      }),
               timed_out);
  EXPECT_TRUE(completed);
  EXPECT_EQ(rt.clock.now(), start + 3s);
}

TEST_F(Uncancellable, FailsByItsLimitThoughItsTaskWasCancelledMeanwhile) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    auto t = s.spawn({.background = true}, uncancellable(1s, sleeper(1h, 1)));
    s.sleep_for(1ms);
    t.cancel("enough");
    EXPECT_THROW(t.get(), timed_out);
  });
}

TEST(UncancellableUnderACancellation, EndsByItsOwnLimitAsTimedOut) {
  for (const bool cancelled_before : {true, false}) {
    manual_runtime rt;
    bool timed = false, cancelled_after = false;
    EXPECT_THROW(rt.run([&](scope& s) {
      if (cancelled_before)
        s.cancel("gone");
      else
        s.spawn([&](context& ctx) {
          ctx.sleep_for(5ms);
          s.cancel("gone");
        });
      try {
        uncancellable(10ms, [](context& ctx) { ctx.sleep_for(1h); })(s);
      } catch (const timed_out&) {
        timed = true;
      }
      try {
        s.check();
      } catch (const cancelled&) {
        cancelled_after = true;
        throw;
      }
    }),
                 scope_cancelled);
    EXPECT_TRUE(timed) << cancelled_before;
    EXPECT_TRUE(cancelled_after) << "the control: the cancellation is still there";
  }
}

TEST(UncancellableWithoutTime, IsOverBeforeItsFunctionBegins) {
  manual_runtime rt;
  bool began = false;
  EXPECT_THROW(rt.run(uncancellable(0s, [&] { began = true; })), timed_out);
  EXPECT_FALSE(began);
  rt.run(uncancellable(1ms, [&] { began = true; }));
  EXPECT_TRUE(began) << "the control";
}

}  // namespace
}  // namespace workit
