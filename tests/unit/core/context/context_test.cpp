// context: cancel points, deadlines, stop tokens and unwinding.
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <stdexcept>
#include <support/fixture.hpp>
#include <thread>
#include <vector>
#include <workit/fiber/detail/fiber.hpp>
#include <workit/scope/runtime.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

class Context : public test::runtime_test {};
using ContextDeathTest = Context;

TEST_F(Context, ChecksSilentlyWhileNothingStops) {
  manual_runtime rt;
  rt.run([](scope& s) {
    EXPECT_FALSE(s.stopping());
    EXPECT_EQ(s.why(), nullptr);
    s.check();
    s.yield();
  });
}

TEST_F(Context, SaysWhyItStops) {
  manual_runtime rt;
  rt.run([](scope& s) {
    s.cancel(reason::user{"closed the tab"});
    ASSERT_TRUE(s.stopping());
    ASSERT_NE(s.why(), nullptr);
    EXPECT_EQ(describe(*s.why()), "user: closed the tab");
  });
}

// Level-triggered: code that swallows `cancelled` gets it again, and at points that would not even have waited.
TEST_F(Context, ThrowsAtEveryCancelPointOnceItStops) {
  manual_runtime rt;
  rt.run([](scope& s) {
    auto pending = s.spawn([](context& ctx) { ctx.sleep_for(1h); });
    s.cancel("stop");
    EXPECT_THROW(pending.get(), cancelled);
    EXPECT_THROW(s.check(), cancelled);
    EXPECT_THROW(s.check(), cancelled);
    EXPECT_THROW(s.yield(), cancelled);
    EXPECT_THROW(s.sleep_for(1s), cancelled);
    EXPECT_THROW(s.sleep_for(0s), cancelled);
    EXPECT_THROW(s.sleep_for(-1s), cancelled);
    EXPECT_THROW(s.sleep_until(s.now()), cancelled);
  });
}

TEST_F(Context, IsNoStdExceptionThatACatchAllForErrorsWouldSwallow) {
  manual_runtime rt;
  bool swallowed = false;
  EXPECT_THROW(rt.run([&](scope& s) {
    s.cancel("stop");
    try {
      s.check();
    } catch (const std::exception&) {
      swallowed = true;
    }
  }),
               scope_cancelled);
  EXPECT_FALSE(swallowed);
}

// A loop that swallows every exception and never waits would starve its neighbour if cancel points threw at once.
TEST_F(Context, YieldsBeforeItThrowsSoThatALoopThatSwallowsExceptionsCannotStarveItsNeighbour) {
  manual_runtime rt;
  constexpr int turns = 1000;
  int swallowed = 0, neighbour = 0;
  rt.run([&](scope& s) {
    bool begun = false;
    auto greedy = s.spawn([&](context& ctx) {
      begun = true;
      while (!ctx.stopping()) ctx.yield();
      while (neighbour < turns && swallowed < 1000 * turns) {
        try {
          ctx.check();
        } catch (...) {
          ++swallowed;
        }
      }
    });
    while (!begun) s.yield();
    s.spawn([&](context& ctx) {
      while (neighbour < turns) {
        ++neighbour;
        ctx.yield();
      }
    });
    greedy.cancel("stop");
    greedy.wait();
  });
  EXPECT_EQ(neighbour, turns) << "it was starved, while " << swallowed << " exceptions were swallowed";
  EXPECT_GE(swallowed, turns / 2);
  EXPECT_LE(swallowed, 2 * turns + 2) << "the two take turns";
}

TEST_F(Context, SleepsByTheRuntimesClock) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  rt.run([&](scope& s) {
    s.sleep_for(3h);
    EXPECT_EQ(s.now(), start + 3h);
    s.sleep_until(start + 5h);
    EXPECT_EQ(s.now(), start + 5h);
    s.sleep_until(start);
    s.sleep_for(-1h);
    EXPECT_EQ(s.now(), start + 5h) << "an instant of the past is no wait";
  });
}

TEST_F(Context, SleepsForEverWithoutWrappingIntoThePast) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    auto eternal = s.spawn([](context& ctx) { ctx.sleep_for(duration::max()); });
    s.sleep_for(24h * 365);
    EXPECT_EQ(eternal.status(), task_status::running);
    eternal.cancel("enough");
  });
}

TEST_F(Context, WakesASleeperThatIsCancelled) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  rt.run([&](scope& s) {
    auto sleeper = s.spawn([](context& ctx) { ctx.sleep_for(10h); });
    s.sleep_for(1h);
    sleeper.cancel("wake up");
    sleeper.wait();
    EXPECT_EQ(s.now(), start + 1h);
  });
}

TEST_F(Context, KnowsTheEarliestDeadlineThatRulesHere) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  rt.run([&](scope& s) { EXPECT_TRUE(s.deadline().is_never()); });
  rt.run({.deadline = 1h}, [&](scope& s) {
    s.spawn([&](context& ctx) { EXPECT_EQ(ctx.deadline(), deadline_point(start + 1h)); });
    s.scope({.deadline = 1s}, [&](scope& in) { EXPECT_EQ(in.deadline(), deadline_point(start + 1s)); });
  });
}

TEST_F(Context, MakesItsStopTokenOnFirstUseOnly) {
  manual_runtime rt;
  rt.run([](scope& s) {
    EXPECT_FALSE(s.node().extras) << "it was not asked for";
    const auto token = s.stop_token();
    EXPECT_TRUE(s.node().extras);
    EXPECT_TRUE(token.stop_possible());
    EXPECT_FALSE(token.stop_requested());
    EXPECT_EQ(token, s.stop_token());
  });
}

TEST_F(Context, TellsALateStopTokenOfAnEarlierCancellation) {
  manual_runtime rt;
  EXPECT_THROW(rt.run([](scope& s) {
    s.cancel("before");
    EXPECT_TRUE(s.stop_token().stop_requested());
    s.scope([](scope& in) { EXPECT_TRUE(in.stop_token().stop_requested()) << "also one from above"; });
    s.check();
  }),
               scope_cancelled);
}

TEST_F(Context, RunsStopCallbacksOnItsLoopOutsideOfFibers) {
  runtime rt;
  std::optional<std::thread::id> called_on;
  bool on_a_fiber = true;
  EXPECT_THROW(rt.run([&](scope& s) {
    const auto io_thread = std::this_thread::get_id();
    const std::stop_callback told(s.stop_token(), [&] {
      called_on = std::this_thread::get_id();
      on_a_fiber = detail::fiber::current() != nullptr;
    });
    std::jthread canceller([r = s.remote()] { r.cancel("remote"); });
    try {
      s.sleep_for(24h);
    } catch (const cancelled&) {
      EXPECT_EQ(called_on, io_thread);
      throw;
    }
  }),
               scope_cancelled);
  EXPECT_FALSE(on_a_fiber);
}

TEST_F(Context, StopsAtOnceInAHoggedLoopAfterACancellationFromAnotherThread) {
  runtime rt;
  EXPECT_THROW(rt.run([](scope& s) {
    const auto token = s.stop_token();
    std::thread canceller([r = s.remote()] { r.cancel("remote"); });
    canceller.join();  // hogs the loop: no cancel point, no turn
    EXPECT_TRUE(s.stopping());
    EXPECT_FALSE(token.stop_requested()) << "the token is told by the loop, which has not turned";
    s.check();
  }),
               scope_cancelled);
}

TEST_F(Context, StopsAtOnceInAHoggedLoopAfterItsDeadlineHasPassed) {
  test::set_clock clock;  // no warden watches it, and the loop does not turn
  runtime rt({.clock = &clock});
  EXPECT_THROW(rt.run({.deadline = 50ms},
                      [&](scope& s) {
                        EXPECT_FALSE(s.stopping());
                        s.scope([&](scope& in) {
                          clock.advance(50ms - 1ns);
                          EXPECT_FALSE(in.stopping());
                          clock.advance(1ns);
                          EXPECT_TRUE(in.stopping());
                          EXPECT_EQ(kind_of(*in.why()), "deadline");
                        });
                        s.check();
                      }),
               timed_out);
}

TEST_F(Context, StopsATaskAtOnceInAHoggedLoopAfterTheDeadlineOfItsScopeHasPassed) {
  test::set_clock clock;
  runtime rt({.clock = &clock});
  EXPECT_THROW(rt.run({.deadline = 50ms},
                      [&](scope& s) {
                        EXPECT_FALSE(s.stopping()) << "which looks up that there is a deadline";
                        s.spawn([&](context& task) {
                           clock.advance(50ms - 1ns);
                           EXPECT_FALSE(task.stopping());
                           clock.advance(1ns);
                           EXPECT_TRUE(task.stopping()) << "what its scope had looked up holds for it, too";
                         }).get();
                        s.check();
                      }),
               timed_out);
}

TEST_F(Context, StopsAtOnceInAHoggedLoopWhenADeadlineIsTightenedToThePast) {
  test::set_clock clock;
  runtime rt({.clock = &clock});
  EXPECT_THROW(rt.run({.deadline = 1h},
                      [&](scope& s) {
                        s.scope([&](scope& in) {
                          EXPECT_FALSE(in.stopping());
                          s.tighten_deadline(clock.now());
                          EXPECT_TRUE(in.stopping()) << "what it had looked up about its deadlines is out of date";
                        });
                        s.check();
                      }),
               timed_out);
}

TEST_F(Context, KnowsItsNameAndItsRuntime) {
  manual_runtime rt({.name = "shop"});
  rt.run({.name = "page"}, [&](scope& s) {
    EXPECT_EQ(s.name(), "page");
    EXPECT_EQ(&s.runtime(), &rt.rt);
    EXPECT_EQ(s.runtime().name(), "shop");
    s.spawn({.name = "part"}, [](context& ctx) { EXPECT_EQ(ctx.name(), "part"); });
  });
}

TEST_F(ContextDeathTest, UsedOffAFiberIsMisuse) {
  EXPECT_DEATH(manual_runtime().run([](scope& s) { std::jthread([&] { s.check(); }); }),
               "check\\(\\) suspends, and only a fiber can: it was called on a thread that is not the runtime's");
  EXPECT_DEATH(manual_runtime().run([](scope& s) {
    const std::stop_callback sleeps(s.stop_token(), [&] { s.sleep_for(1s); });
    s.cancel("now");
    s.sleep_for(1h);
  }),
               "sleeping suspends, and only a fiber can: it was called on the loop's own stack .*Spawn a task");
}

// --- Unwinding: destructors that wait while `cancelled` passes through them ------------------------------------------

struct sleeps_in_destructor {
  context& ctx;
  duration how_long;
  bool& finished;
  ~sleeps_in_destructor() {
    ctx.sleep_for(how_long);
    finished = true;
  }
};

/// How long a destructor that wants to wait for `how_long` has waited while `cancelled` unwound its scope.
duration waited_while_unwinding(manual_runtime& rt, duration how_long) {
  const auto start = rt.clock.now();
  bool finished = false;
  EXPECT_THROW(rt.run([&](scope& s) {
    const sleeps_in_destructor guard{s, how_long, finished};
    s.cancel("stop");
    s.check();
  }),
               scope_cancelled);
  EXPECT_TRUE(finished);
  return rt.clock.now() - start;
}

TEST_F(Context, ShieldsADestructorThatWaitsWhileCancelledUnwinds) {
  manual_runtime rt;
  EXPECT_EQ(waited_while_unwinding(rt, 10s), 10s) << "to the end, though its scope was stopping";
}

TEST_F(Context, BoundsADestructorThatWaitsForEverWhileCancelledUnwinds) {
  manual_runtime rt({.cleanup_timeout = 30s});
  EXPECT_EQ(waited_while_unwinding(rt, 1000h), 30s);
}

TEST_F(Context, DoesNotEndADestructorThatWaitsUnderTheGreatestBound) {
  manual_runtime rt({.cleanup_timeout = duration::max()});
  EXPECT_EQ(waited_while_unwinding(rt, 1000h), 1000h) << "the bound lay in the past";
}

TEST_F(Context, GivesEachUnwindingABoundOfItsOwn) {
  manual_runtime rt({.cleanup_timeout = 30s});
  const auto start = rt.clock.now();
  bool finished = false;
  rt.run([&](scope& s) {
    s.cancel("stop");
    for (int i = 0; i < 2; ++i) {
      try {
        const sleeps_in_destructor guard{s, 20s, finished};
        s.check();
      } catch (const cancelled&) {  // level-triggered: the next check throws again
      }
    }
  });
  EXPECT_EQ(rt.clock.now(), start + 40s);
}

TEST_F(Context, ShieldsADestructorThatWaitsWhileAnErrorUnwindsAStoppingScope) {
  manual_runtime rt;
  bool finished = false;
  EXPECT_THROW(rt.run([&](scope& s) {
    s.cancel("stop");
    const sleeps_in_destructor guard{s, 1s, finished};
    throw std::runtime_error("passes through");
  }),
               std::runtime_error);
  EXPECT_TRUE(finished);
}

TEST_F(Context, WakesADestructorThatIsAlreadyWaitingWhenItsScopeIsCancelled) {
  manual_runtime rt({.cleanup_timeout = 30s});
  const auto start = rt.clock.now();
  bool finished = false;
  EXPECT_THROW(rt.run([&](scope& s) {
    s.spawn({.background = true}, [&](context& ctx) {
      const sleeps_in_destructor guard{ctx, 1000h, finished};
      throw std::runtime_error("fails, and then waits for long");
    });
    s.sleep_for(1h);
    s.cancel("stop");
    s.check();
  }),
               scope_cancelled);
  EXPECT_TRUE(finished);
  EXPECT_EQ(rt.clock.now(), start + 1h + 30s) << "bounded from the cancellation on";
}

}  // namespace
}  // namespace workit
