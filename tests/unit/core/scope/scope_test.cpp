// scope: nesting, cancellation and deadlines.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <support/fixture.hpp>
#include <support/refused.hpp>
#include <thread>
#include <workit/base/event.hpp>
#include <workit/scope/runtime.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

class Scope : public test::runtime_test {};
using ScopeDeathTest = Scope;

TEST_F(Scope, ReturnsWhatItsBodyReturns) {
  manual_runtime rt;
  int object = 0;
  rt.run([&](scope& s) {
    EXPECT_EQ(s.scope([](scope&) { return 1; }), 1);
    EXPECT_EQ(*s.scope([](scope&) { return std::make_unique<int>(2); }), 2);
    EXPECT_EQ(&s.scope([&](scope&) -> int& { return object; }), &object);
    static_assert(std::is_void_v<decltype(s.scope([](scope&) {}))>);
    const auto kept = [&](scope&) { ++object; };
    s.scope(kept);
    EXPECT_EQ(object, 1) << "a body that is const is called where it stands";
  });
  EXPECT_EQ(rt.run([](scope&) { return std::string("root"); }), "root");
  EXPECT_EQ(&rt.run([&](scope&) -> int& { return object; }), &object);
}

TEST_F(Scope, WaitsForAllThatItOwns) {
  manual_runtime rt;
  int ended = 0;
  rt.run([&](scope& s) {
    s.scope([&](scope& inner) {
      for (int i = 1; i <= 10; ++i)
        inner.spawn([&, i](context& ctx) {
          ctx.sleep_for(std::chrono::minutes(i));
          ++ended;
        });
    });
    EXPECT_EQ(ended, 10);
  });
}

TEST_F(Scope, WaitsForBackgroundTasksToo) {
  manual_runtime rt;
  bool ended = false;
  rt.run([&](scope& s) {
    s.spawn({.background = true}, [&](context& ctx) {
      ctx.sleep_for(1h);
      ended = true;
    });
  });
  EXPECT_TRUE(ended);
}

TEST_F(Scope, ThrowsTimedOutAtItsOwnBoundary) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  rt.run([&](scope& outer) {
    try {
      outer.scope({.name = "fetch", .deadline = 50ms}, [](scope& s) { s.sleep_for(1h); });
      ADD_FAILURE();
    } catch (const timed_out& e) {
      EXPECT_STREQ(e.what(), "scope \"fetch\" took longer than 50 ms");
      EXPECT_EQ(e.limit(), 50ms);
    }
    EXPECT_FALSE(outer.stopping()) << "the outer scope goes on";
    EXPECT_EQ(outer.now(), start + 50ms);
  });
}

TEST_F(Scope, IsRuledByTheEarlierOfItsDeadlineAndItsParents) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  bool inner_saw_cancelled = false;
  EXPECT_THROW(rt.run({.name = "outer", .deadline = 10ms},
                      [&](scope& outer) {
                        outer.scope({.name = "inner", .deadline = 1h}, [&](scope& s) {
                          EXPECT_EQ(s.deadline(), deadline_point(start + 10ms));
                          try {
                            s.sleep_for(2h);
                          } catch (const cancelled& c) {
                            inner_saw_cancelled = true;
                            EXPECT_EQ(std::get<reason::deadline>(c.why()).at, deadline_point(start + 10ms));
                            throw;
                          }
                        });
                        ADD_FAILURE() << "`cancelled` passes the inner boundary: the deadline was not its own";
                      }),
               timed_out);
  EXPECT_TRUE(inner_saw_cancelled);
  EXPECT_EQ(rt.clock.now(), start + 10ms);
}

TEST_F(Scope, TakesADeadlineAsAnInstant) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  rt.run([&](scope& s) {
    try {
      s.scope({.deadline_at = deadline_point(start + 5s)}, [](scope& in) { in.sleep_for(1h); });
      ADD_FAILURE();
    } catch (const timed_out& e) {
      EXPECT_EQ(e.limit(), duration::max()) << "no time was given, only an instant";
    }
    EXPECT_EQ(s.now(), start + 5s);
  });
}

TEST_F(Scope, StopsAtItsFirstCancelPointWhenItsInstantIsPast) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    EXPECT_THROW(s.scope({.deadline_at = deadline_point(time_point::min())}, [](scope& in) { in.check(); }), timed_out);
    EXPECT_THROW(s.scope({.deadline_at = deadline_point(s.now())}, [](scope& in) { in.check(); }), timed_out);
  });
}

TEST_F(Scope, TightensItsDeadlineAndNeverLoosensIt) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  rt.run([&](scope& outer) {
    try {
      outer.scope({.name = "s", .deadline = 1h}, [&](scope& s) {
        s.tighten_deadline(2h);
        EXPECT_EQ(s.deadline(), deadline_point(start + 1h));
        s.tighten_deadline(1s);
        s.tighten_deadline(start + 30min);
        EXPECT_EQ(s.deadline(), deadline_point(start + 1s));
        s.sleep_for(10h);
      });
      ADD_FAILURE();
    } catch (const timed_out& e) {
      EXPECT_STREQ(e.what(), "scope \"s\" passed its deadline") << "not the hour that it had at first";
    }
    EXPECT_EQ(outer.now(), start + 1s);
  });
}

TEST_F(Scope, ForgetsItsDeadlineOnceClosed) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  rt.run([&](scope& s) { s.scope({.deadline = 1h}, [](scope&) {}); });
  EXPECT_EQ(rt.clock.now(), start) << "no wait for a deadline that did not matter any more";
}

TEST_F(Scope, CancelledByItsParentStopsInsideAndOutsideWithTheSameReason) {
  manual_runtime rt;
  std::vector<std::string> left;
  const auto note = [&](const cancelled& c) { left.push_back(std::get<reason::manual>(c.why()).tag); };
  EXPECT_THROW(rt.run([&](scope& outer) {
    outer.spawn([&](context& ctx) {
      try {
        ctx.scope([&](scope& inner) {
          try {
            inner.sleep_for(1h);
          } catch (const cancelled& c) {
            note(c);
            throw;
          }
        });
      } catch (const cancelled& c) {
        note(c);
        throw;
      }
    });
    outer.sleep_for(1s);
    outer.cancel("from above");
    outer.check();
  }),
               scope_cancelled);
  EXPECT_EQ(left, (std::vector<std::string>{"from above", "from above"}));
}

TEST_F(Scope, CancelledAloneThrowsScopeCancelledWhereItWasOpened) {
  manual_runtime rt;
  rt.run([](scope& outer) {
    try {
      outer.scope({.name = "inner"}, [](scope& s) {
        s.cancel("alone");
        s.check();
      });
      ADD_FAILURE();
    } catch (const scope_cancelled& e) {
      EXPECT_STREQ(e.what(), "scope \"inner\" was cancelled: manual: alone");
    }
    EXPECT_FALSE(outer.stopping());
    outer.check();
  });
}

TEST_F(Scope, CancelledByItselfFirstAndThenByItsParentLeavesByTheParentsCancellation) {
  manual_runtime rt;
  rt.run([](scope& top) {
    auto t = top.spawn({.background = true}, [](context& ctx) {
      ctx.scope([&](scope& inner) {
        inner.spawn([](context& c) {
          c.defer([](context& slow) { slow.sleep_for(1s); });  // keeps the scope open after its own cancellation
          c.sleep_for(1h);
        });
        inner.sleep_for(1ms);
        inner.cancel("inner");
        inner.check();
      });
    });
    top.sleep_for(500ms);
    t.cancel("outer");
    auto o = t.result();
    ASSERT_TRUE(o.is_cancelled()) << "`cancelled` is thrown where the scope was opened: that is stopping too";
    EXPECT_EQ(std::get<reason::manual>(o.why()).tag, "outer");
  });
}

TEST_F(Scope, SaysByCancelWhichRequestDecided) {
  manual_runtime rt;
  EXPECT_THROW(rt.run([](scope& s) {
    EXPECT_TRUE(s.cancel("first"));
    EXPECT_FALSE(s.cancel("second"));
    EXPECT_FALSE(s.remote().cancel(reason::user{}));
    EXPECT_EQ(std::get<reason::manual>(*s.why()).tag, "first");
    s.check();
  }),
               scope_cancelled);
}

TEST_F(Scope, DeliversTheValueOfABodyThatReturnedThoughItWasCancelled) {
  manual_runtime rt;
  EXPECT_EQ(rt.run([](scope& s) {
    s.cancel("too late");
    return 4;
  }),
            4);
}

TEST_F(Scope, LetsATaskSpawnIntoTheScopeThatOwnsIt) {
  manual_runtime rt;
  int ran = 0;
  rt.run([&](scope& s) {
    s.spawn([&](context& ctx) {
      s.spawn([&](context& c) {
        c.sleep_for(1h);
        ++ran;
      });
      ctx.sleep_for(1s);
      ++ran;
    });
  });
  EXPECT_EQ(ran, 2);
}

TEST_F(Scope, OpenedThroughAnOuterContextBelongsToTheTaskThatOpenedIt) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    auto t = s.spawn([&](context&) {
      s.scope([](scope& inner) { inner.sleep_for(1h); });  // through s, but below this task
    });
    s.sleep_for(1s);
    t.cancel("the task");
    EXPECT_TRUE(t.result().is_cancelled());
    EXPECT_FALSE(s.stopping());
  });
}

TEST_F(Scope, WithoutTimeIsOverBeforeItsBodyBegins) {
  for (const duration none : {duration(0), duration(-1), duration(-1h), duration::min()}) {
    manual_runtime rt;
    bool began = false;
    std::optional<scope_receipt> receipt;
    const auto body = [&](scope&) { began = true; };
    const scope_options options{
        .name = "page", .deadline = none, .on_receipt = [&](const scope_receipt& r) { receipt = r; }};
    try {
      rt.run(options, body);
      ADD_FAILURE() << "a deadline of " << none.count() << " ns passed unseen";
    } catch (const timed_out& e) {
      EXPECT_EQ(std::string(e.what()).find("scope \"page\" had no time left: it was given "), 0u) << e.what();
      EXPECT_EQ(e.limit(), none);
    }
    EXPECT_THROW(rt.run([&](scope& s) { s.scope(options, body); }), timed_out) << "a nested one";
    EXPECT_THROW(rt.rt.spawn(options, body).get(), timed_out) << "a spawned root";
    EXPECT_THROW(rt.run({.deadline_at = deadline_point::in(none, rt.clock.now())}, body), timed_out);
    EXPECT_FALSE(began);
    ASSERT_TRUE(receipt);
    EXPECT_EQ(receipt->outcome, scope_outcome::cancelled);
  }
  manual_runtime rt;
  bool began = false;
  rt.run({.deadline = duration(1)}, [&](scope&) { began = true; });
  EXPECT_TRUE(began) << "the control: a nanosecond is enough to begin";
}

TEST_F(Scope, TakesNamesThatComeFromRequests) {
  manual_runtime rt;
  rt.run({.name = ""}, [](scope& s) { EXPECT_EQ(s.name(), "anonymous"); });
  rt.run({.name = std::string(129, 'x')}, [](scope& s) { EXPECT_EQ(s.name(), std::string(125, 'x') + "..."); });
}

TEST_F(Scope, RefusesATimeOutOfCleanupsThatCannotBe) {
  EXPECT_REFUSED(manual_runtime().run({.name = "page", .cleanup_timeout = -1ms}, [](scope&) {}),
                 "scope \"page\": the time-out of cleanups has to be more than zero");
}

TEST_F(ScopeDeathTest, SpawnedIntoFromAnotherThreadIsMisuse) {
  EXPECT_DEATH(manual_runtime().run([](scope& s) { std::jthread([&] { s.spawn({.name = "stray"}, [] {}); }); }),
               "task \"stray\" was spawned from another thread: use scope.remote\\(\\)");
}

TEST_F(ScopeDeathTest, SpawnedIntoByAHandlerOfItsLastEventIsMisuse) {
  EXPECT_DEATH(manual_runtime().run({.name = "page"},
                                    [](scope& s) {
                                      s.on_event([&s](const lifecycle_event& e) {
                                         if (kind_of(e) == "scope_closed") s.spawn({.name = "late"}, [] {});
                                       }).keep();
                                    }),
               "task \"late\" was spawned in scope \"page\", which has closed");
}

}  // namespace
}  // namespace workit
