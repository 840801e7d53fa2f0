// defer(): cleanups, their order, shield and bound.
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <support/fixture.hpp>
#include <support/refused.hpp>
#include <vector>
#include <workit/base/event.hpp>
#include <workit/scope/runtime.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

class Defer : public test::runtime_test {
 protected:
  std::vector<std::string> log;
  auto note(std::string what) {
    return [this, what = std::move(what)] { log.push_back(what); };
  }
};
using entries = std::vector<std::string>;

TEST_F(Defer, RunsCleanupsLastInFirstOut) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    s.defer(note("first"));
    s.defer(note("second"));
    s.defer(note("third"));
    log.push_back("body");
  });
  EXPECT_EQ(log, (entries{"body", "third", "second", "first"}));
}

TEST_F(Defer, TakesACleanupThatOnlyMoves) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    s.defer([&, owned = std::make_unique<std::string>("moved in")] { log.push_back(*owned); });
    s.defer({.timeout = 1s}, [&, owned = std::make_unique<std::string>("with a context")](context& ctx) {
      ctx.sleep_for(1ms);
      log.push_back(*owned);
    });
  });
  EXPECT_EQ(log, (entries{"with a context", "moved in"}));
}

TEST_F(Defer, RunsThemOnceAfterSuccessFailureAndCancellation) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    s.spawn([&](context& ctx) { ctx.defer(note("success")); }).wait();
    auto failing = s.spawn({.background = true}, [&](context& ctx) {
      ctx.defer(note("failure"));
      throw std::runtime_error("boom");
    });
    failing.wait();
    auto stopped = s.spawn([&](context& ctx) {
      ctx.defer(note("cancellation"));
      ctx.sleep_for(1h);
    });
    s.sleep_for(1s);
    stopped.cancel("stop");
    stopped.wait();
    EXPECT_TRUE(stopped.result().is_cancelled());
  });
  EXPECT_EQ(log, (entries{"success", "failure", "cancellation"}));
}

TEST_F(Defer, RunsThemOnceInAScopeThatSucceedsFailsOrIsCancelled) {
  manual_runtime rt;
  rt.run([&](scope& s) { s.defer(note("success")); });
  EXPECT_THROW(rt.run([&](scope& s) {
    s.defer(note("failure"));
    throw std::runtime_error("boom");
  }),
               std::runtime_error);
  EXPECT_THROW(rt.run([&](scope& s) {
    s.defer(note("cancellation"));
    s.cancel("stop");
    s.check();
  }),
               scope_cancelled);
  EXPECT_EQ(log, (entries{"success", "failure", "cancellation"}));
}

TEST_F(Defer, RunsThemAfterEverythingThatTheScopeOwnsHasEnded) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    s.defer(note("scope"));
    s.spawn([&](context& ctx) {
      ctx.defer(note("task"));
      ctx.sleep_for(1h);
      log.push_back("slept");
    });
    log.push_back("body");
  });
  EXPECT_EQ(log, (entries{"body", "slept", "task", "scope"}));
}

TEST_F(Defer, RunsThoseOfATaskBeforeItsGetterLearnsOfItsEnd) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    s.spawn([&](context& ctx) {
       ctx.defer([&](context& c) {
         c.sleep_for(10s);
         log.push_back("cleaned");
       });
     }).get();
    log.push_back("got");
  });
  EXPECT_EQ(log, (entries{"cleaned", "got"}));
}

TEST_F(Defer, ShieldsThemFromTheCancellationOfTheirScope) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  EXPECT_THROW(rt.run([&](scope& s) {
    s.defer([&](context& ctx) {
      EXPECT_FALSE(ctx.stopping());
      ctx.check();
      ctx.sleep_for(5s);
      log.push_back("slept");
    });
    s.cancel("stop");
    s.check();
  }),
               scope_cancelled);
  EXPECT_EQ(log, (entries{"slept"}));
  EXPECT_EQ(rt.clock.now(), start + 5s);
}

TEST_F(Defer, ShieldsThemFromTheDeadlineOfTheirScope) {
  manual_runtime rt;
  EXPECT_THROW(rt.run({.deadline = 1s},
                      [&](scope& s) {
                        s.defer([&](context& ctx) {
                          EXPECT_EQ(ctx.deadline().remaining(ctx.now()), 30s) << "its own bound and no other";
                          ctx.sleep_for(5s);
                          log.push_back("slept");
                        });
                        s.sleep_for(1h);
                      }),
               timed_out);
  EXPECT_EQ(log, (entries{"slept"}));
}

TEST_F(Defer, CancelsOneThatHangsAndRunsTheNext) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  std::vector<std::string> events;
  duration bound{};
  rt.run({.cleanup_timeout = 7s}, [&](scope& s) {
    s.on_event([&](const lifecycle_event& e) {
       events.emplace_back(kind_of(e));
       if (const auto* late = std::get_if<event::cleanup_timed_out>(&e.body)) bound = late->bound;
     }).keep();
    s.defer(note("next"));
    s.defer([](context& ctx) { ctx.sleep_for(1000h); });
  });
  EXPECT_EQ(log, (entries{"next"}));
  EXPECT_EQ(rt.clock.now(), start + 7s);
  EXPECT_EQ(events, (entries{"scope_closing", "cleanup_timed_out", "scope_closed"}));
  EXPECT_EQ(bound, 7s);
}

TEST_F(Defer, TakesItsBoundFromTheCleanupElseTheScopeElseAScopeAboveElseTheRuntime) {
  manual_runtime rt({.cleanup_timeout = 1s});
  std::vector<duration> bounds;
  const auto see = [&](context& ctx) { bounds.push_back(ctx.deadline().remaining(ctx.now())); };
  rt.run([&](scope& s) {
    s.defer(see);
    s.scope({.cleanup_timeout = 2s}, [&](scope& in) {
      in.defer(see);
      in.scope([&](scope& innermost) {
        innermost.defer(see);
        innermost.defer({.timeout = 3s}, see);
      });
    });
  });
  EXPECT_EQ(bounds, (std::vector<duration>{3s, 2s, 2s, 1s}));
}

TEST_F(Defer, LeavesTheBoundAtThirtySecondsByDefault) {
  manual_runtime rt;
  rt.run([&](scope& s) { s.defer([](context& c) { EXPECT_EQ(c.deadline().remaining(c.now()), 30s); }); });
}

TEST_F(Defer, MakesAnEventOfWhatACleanupThrows) {
  manual_runtime rt;
  std::vector<std::string> events;
  std::string what;
  const int got = rt.run([&](scope& s) {
    s.on_event([&](const lifecycle_event& e) {
       events.emplace_back(kind_of(e));
       if (const auto* failed = std::get_if<event::cleanup_failed>(&e.body)) {
         try {
           std::rethrow_exception(failed->error);
         } catch (const std::exception& error) {
           what = error.what();
         }
       }
     }).keep();
    s.defer(note("next"));
    s.defer([] { throw std::runtime_error("cannot clean"); });
    return 5;
  });
  EXPECT_EQ(got, 5) << "the outcome is the body's";
  EXPECT_EQ(what, "cannot clean");
  EXPECT_EQ(log, (entries{"next"}));
  EXPECT_EQ(events, (entries{"scope_closing", "cleanup_failed", "scope_closed"}));
}

TEST_F(Defer, DoesNotReplaceTheErrorOfTheBodyByThatOfACleanup) {
  manual_runtime rt;
  try {
    rt.run([](scope& s) {
      s.defer([] { throw std::logic_error("cleanup"); });
      throw std::runtime_error("body");
    });
    ADD_FAILURE();
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "body");
  }
}

TEST_F(Defer, LetsACleanupOpenAScopeAndSpawnThere) {
  manual_runtime rt;
  EXPECT_THROW(rt.run([&](scope& s) {
    s.defer([&](context& ctx) {
      const int sum = ctx.scope([](scope& in) {
        auto a = in.spawn([](context& c) {
          c.sleep_for(1s);
          return 1;
        });
        auto b = in.spawn([] { return 2; });
        return a.get() + b.get();
      });
      log.push_back("sum " + std::to_string(sum));
    });
    s.cancel("stop");
    s.check();
  }),
               scope_cancelled);
  EXPECT_EQ(log, (entries{"sum 3"})) << "the shield covers what is spawned inside";
}

TEST_F(Defer, BoundsTheScopeThatACleanupOpens) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  rt.run({.cleanup_timeout = 3s}, [&](scope& s) {
    s.defer(note("next"));
    s.defer([](context& ctx) { ctx.scope([](scope& in) { in.spawn([](context& c) { c.sleep_for(1000h); }).get(); }); });
  });
  EXPECT_EQ(log, (entries{"next"}));
  EXPECT_EQ(rt.clock.now(), start + 3s);
}

TEST_F(Defer, RunsWhatACleanupDefersRightAfterIt) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    s.defer(note("outer, first registered"));
    s.defer([&](context& ctx) {
      ctx.defer(note("inner 1"));
      ctx.defer(note("inner 2"));
      log.push_back("outer");
    });
  });
  EXPECT_EQ(log, (entries{"outer", "inner 2", "inner 1", "outer, first registered"}));
}

TEST_F(Defer, RunsWhatACleanupDefersOnTheScopeItself) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    s.defer(note("first"));
    s.defer([&] {
      s.defer(note("added"));
      log.push_back("adds");
    });
  });
  EXPECT_EQ(log, (entries{"adds", "added", "first"}));
}

TEST_F(Defer, WaitsForATaskThatACleanupSpawnsIntoTheClosingScope) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    s.defer([&] {
      s.spawn([&](context& ctx) {
        ctx.defer(note("its cleanup"));
        ctx.sleep_for(1h);
        log.push_back("task");
      });
    });
  });
  EXPECT_EQ(log, (entries{"task", "its cleanup"}));
}

TEST_F(Defer, RunsThousandsOfThem) {
  manual_runtime rt;
  int ran = 0;
  rt.run([&](scope& s) {
    for (int i = 0; i < 10'000; ++i) s.defer([&] { ++ran; });
  });
  EXPECT_EQ(ran, 10'000);
}

TEST_F(Defer, SurvivesASecondCancellationWhileItRuns) {
  manual_runtime rt;
  EXPECT_THROW(rt.run([&](scope& top) {
    top.spawn([&](context& ctx) {
      ctx.scope([&](scope& in) {
        in.defer([&](context& c) {
          c.sleep_for(10s);
          log.push_back("slept");
        });
        in.cancel("inner");
        in.check();
      });
    });
    top.sleep_for(1s);
    top.cancel("outer");
    top.check();
  }),
               scope_cancelled);
  EXPECT_EQ(log, (entries{"slept"}));
}

TEST_F(Defer, TellsAlsoOfACleanupThatSwallowsItsCancellation) {
  manual_runtime rt;
  int late = 0;
  rt.run([&](scope& s) {
    s.on_event([&](const lifecycle_event& e) {
       late += std::holds_alternative<event::cleanup_timed_out>(e.body) ? 1 : 0;
     }).keep();
    s.defer({.timeout = 2s}, [](context& ctx) { ctx.sleep_for(1999ms); });
    s.defer({.timeout = 2s}, [](context& ctx) {
      try {
        ctx.sleep_for(1h);
      } catch (const cancelled&) {
      }
    });
  });
  EXPECT_EQ(late, 1);
}

TEST_F(Defer, RefusesMoreThanTenThousand) {
  int cleaned = 0;
  manual_runtime().run({.name = "page"}, [&](scope& s) {
    for (int i = 0; i < 10'000; ++i) s.defer([&] { ++cleaned; });
    EXPECT_REFUSED(s.defer([&] { ++cleaned; }), "\"page\" registers more than 10,000 cleanups");
  });
  EXPECT_EQ(cleaned, 10'000);
}

TEST_F(Defer, RefusesABoundOfNothing) {
  EXPECT_REFUSED(manual_runtime().run({.name = "page"}, [](scope& s) { s.defer({.timeout = 0s}, [] {}); }),
                 "\"page\": the time-out of a cleanup has to be more than zero");
}

}  // namespace
}  // namespace workit
