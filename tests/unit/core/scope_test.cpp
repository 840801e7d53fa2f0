#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <stdexcept>
#include <support/fixture.hpp>
#include <thread>
#include <vector>
#include <workit/runtime.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

#if defined(__SANITIZE_THREAD__)
constexpr int many = 1'500;  // ThreadSanitizer costs about 1 MiB a fiber and ends at 8,128
#else
constexpr int many = 10'000;
#endif

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
                          EXPECT_EQ(s.deadline(), deadline(start + 10ms));
                          try {
                            s.sleep_for(2h);
                          } catch (const cancelled& c) {
                            inner_saw_cancelled = true;
                            EXPECT_EQ(std::get<reason::deadline>(c.why()).at, deadline(start + 10ms));
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
      s.scope({.deadline_at = deadline(start + 5s)}, [](scope& in) { in.sleep_for(1h); });
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
    EXPECT_THROW(s.scope({.deadline_at = deadline(time_point::min())}, [](scope& in) { in.check(); }), timed_out);
    EXPECT_THROW(s.scope({.deadline_at = deadline(s.now())}, [](scope& in) { in.check(); }), timed_out);
  });
}

TEST_F(Scope, TightensItsDeadlineAndNeverLoosensIt) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  rt.run([&](scope& outer) {
    try {
      outer.scope({.name = "s", .deadline = 1h}, [&](scope& s) {
        s.deadline(2h);
        EXPECT_EQ(s.deadline(), deadline(start + 1h));
        s.deadline(1s);
        s.deadline(start + 30min);
        EXPECT_EQ(s.deadline(), deadline(start + 1s));
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
  EXPECT_EQ(rt.clock.now(), start) << "nobody waited for a deadline that did not matter any more";
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

TEST_F(Scope, SaysByCancelWhoDecided) {
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

TEST_F(Scope, CancelsSiblingsWhenATaskFails) {
  manual_runtime rt;
  std::string sibling_heard;
  work_id culprit = 0;
  try {
    rt.run([&](scope& s) {
      s.spawn({.name = "waits"}, [&](context& ctx) {
        try {
          ctx.sleep_for(1h);
        } catch (const cancelled& c) {
          const auto& why = std::get<reason::sibling_failed>(c.why());
          sibling_heard = why.name;
          culprit -= why.sibling;
          throw;
        }
      });
      culprit += s.spawn({.name = "fails"}, [](context& ctx) {
                    ctx.sleep_for(1s);
                    throw std::runtime_error("original");
                  }).id();
      s.sleep_for(1h);
    });
    ADD_FAILURE();
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "original") << "the failure is what the scope throws, not the cancellation it caused";
  }
  EXPECT_EQ(sibling_heard, "fails");
  EXPECT_EQ(culprit, 0u);
}

TEST_F(Scope, ThrowsTheVeryErrorOfItsFirstFailedTask) {
  manual_runtime rt;
  const auto original = std::make_exception_ptr(std::runtime_error("first"));
  std::exception_ptr thrown;
  try {
    rt.run([&](scope& s) {
      s.spawn([&] { std::rethrow_exception(original); });
      s.spawn([&](context& ctx) {
        ctx.defer([] {});
        throw std::runtime_error("second");
      });
    });
  } catch (...) {
    thrown = std::current_exception();
  }
  EXPECT_EQ(thrown, original);
}

TEST_F(Scope, IsNotFailedByABackgroundTask) {
  manual_runtime rt;
  bool sibling_ended = false;
  const int got = rt.run([&](scope& s) {
    s.spawn({.background = true}, [] { throw std::runtime_error("unheard"); });
    s.spawn([&](context& ctx) {
      ctx.sleep_for(1h);
      sibling_ended = true;
    });
    return 1;
  });
  EXPECT_EQ(got, 1);
  EXPECT_TRUE(sibling_ended);
}

TEST_F(Scope, IsNotFailedByTheCancellationOfOneOfItsTasks) {
  manual_runtime rt;
  bool sibling_ended = false;
  rt.run([&](scope& s) {
    auto one = s.spawn([](context& ctx) { ctx.sleep_for(2h); });
    s.spawn([&](context& ctx) {
      ctx.sleep_for(1h);
      sibling_ended = true;
    });
    s.sleep_for(1s);
    one.cancel("only this");
  });
  EXPECT_TRUE(sibling_ended);
}

TEST_F(Scope, CancelsWhatItOwnsWhenItsBodyFails) {
  manual_runtime rt;
  std::string child_heard;
  const auto start = rt.clock.now();
  EXPECT_THROW(rt.run([&](scope& s) {
    s.spawn([&](context& ctx) {
      try {
        ctx.sleep_for(1h);
      } catch (const cancelled& c) {
        child_heard = kind_of(c.why());
        throw;
      }
    });
    s.sleep_for(1ms);
    throw std::runtime_error("body");
  }),
               std::runtime_error);
  EXPECT_EQ(child_heard, "parent_failed");
  EXPECT_EQ(rt.clock.now(), start + 1ms);
}

TEST_F(Scope, CancelsWhatItOwnsWhenItsBodyLeavesByCancelled) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  EXPECT_THROW(rt.run([&](scope& s) {
    s.spawn([](context& ctx) { ctx.sleep_for(1h); });
    s.sleep_for(1ms);
    s.cancel("leave");
    s.check();
  }),
               scope_cancelled);
  EXPECT_EQ(rt.clock.now(), start + 1ms) << "the child was waited for instead of being cancelled";
}

TEST_F(Scope, EndsItsTasksWithScopeEndedWhenAForeignCancelledLeavesItsBody) {
  manual_runtime rt;
  std::string child_heard;
  rt.run([&](scope& s) {
    auto t = s.spawn({.background = true}, [&](context& ctx) {
      try {
        ctx.scope([](scope& in) {
          in.cancel("x");
          try {
            in.check();
          } catch (const cancelled& c) {
            throw std::make_exception_ptr(c);
          }
        });
      } catch (const std::exception_ptr& stolen) {
        ctx.scope([&](scope& in) {
          in.spawn([&](context& c) {
            try {
              c.sleep_for(1h);
            } catch (const cancelled& why) {
              child_heard = kind_of(why.why());
              throw;
            }
          });
          in.sleep_for(1ms);
          std::rethrow_exception(stolen);
        });
      }
    });
    EXPECT_TRUE(t.result().is_error()) << "scope_cancelled: the task itself was not";
  });
  EXPECT_EQ(child_heard, "scope_ended");
}

TEST_F(Scope, PrefersTheErrorOfItsBodyToThatOfAChildThatFailedBecauseOfIt) {
  manual_runtime rt;
  try {
    rt.run([&](scope& s) {
      s.spawn([](context& ctx) {
        try {
          ctx.sleep_for(1h);
        } catch (const cancelled&) {
          throw std::logic_error("child, in consequence");
        }
      });
      s.sleep_for(1ms);
      throw std::runtime_error("body");
    });
    ADD_FAILURE();
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "body");
  }
}

TEST_F(Scope, PrefersTheErrorOfAChildToThatOfABodyThatFailedBecauseOfIt) {
  manual_runtime rt;
  try {
    rt.run([&](scope& s) {
      s.spawn([] { throw std::runtime_error("child"); });
      try {
        s.sleep_for(1h);
      } catch (const cancelled&) {
        throw std::logic_error("body, in consequence");
      }
    });
    ADD_FAILURE();
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "child");
  }
}

TEST_F(Scope, DeliversTheValueOfABodyThatReturnedThoughItWasCancelled) {
  manual_runtime rt;
  EXPECT_EQ(rt.run([](scope& s) {
    s.cancel("too late");
    return 4;
  }),
            4);
}

TEST_F(Scope, IsCancelledFromAnotherThread) {
  runtime rt;
  std::jthread canceller;
  try {
    rt.run([&](scope& s) {
      canceller = std::jthread([r = s.remote()] { EXPECT_TRUE(r.cancel("remote")); });
      s.sleep_for(24h);
    });
    ADD_FAILURE();
  } catch (const scope_cancelled& e) {
    EXPECT_EQ(std::get<reason::manual>(e.why()).tag, "remote");
  }
}

TEST_F(Scope, IsGivenTasksByOtherThreads) {
  runtime rt;
  const auto io_thread = rt.run([](scope&) { return std::this_thread::get_id(); });
  std::atomic<int> sum{0};
  rt.run([&](scope& s) {
    std::vector<std::jthread> givers;
    std::atomic<int> given{0};
    for (int t = 0; t < 4; ++t)
      givers.emplace_back([r = s.remote(), &sum, &given, io_thread] {
        for (int i = 0; i < 50; ++i) {
          auto task = r.spawn({.name = "given"}, [&sum, io_thread](context&) {
            EXPECT_EQ(std::this_thread::get_id(), io_thread);
            return ++sum;
          });
          EXPECT_GT(task.get(), 0);
        }
        ++given;
      });
    while (given < 4) s.yield();
  });
  EXPECT_EQ(sum, 200);
}

TEST_F(Scope, GivenATaskAfterItHasClosedAnswersCancelled) {
  runtime rt;
  std::optional<remote_scope> r;
  rt.run([&](scope& s) { r = s.remote(); });
  EXPECT_FALSE(r->cancel("nobody is there"));
  bool ran = false;
  auto t = r->spawn({}, [&] { ran = true; });
  auto o = t.result();
  ASSERT_TRUE(o.is_cancelled());
  EXPECT_EQ(kind_of(o.why()), "scope_ended");
  EXPECT_FALSE(ran);
}

TEST_F(Scope, GivenATaskAfterItsRuntimeHasEndedAnswersCancelled) {
  std::optional<remote_scope> r;
  const auto captured = std::make_shared<int>(1);
  {
    runtime rt;
    rt.run([&](scope& s) { r = s.remote(); });
  }
  std::vector<std::jthread> threads;
  std::atomic<int> answered{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        auto late = r->spawn({}, [captured] {});
        std::ignore = late.cancel("so be it");
        if (late.result().is_cancelled()) ++answered;
      }
    });
  threads.clear();
  EXPECT_EQ(answered, 200);
  r.reset();
  EXPECT_EQ(captured.use_count(), 1) << "what was given too late is kept for ever";
}

TEST_F(Scope, AnswersTasksGivenAtAnyMomentOfTheRuntimesEnd) {
  for (int round = 0; round < 100; ++round) {
    auto rt = std::make_unique<runtime>();
    std::optional<remote_scope> r;
    rt->run([&](scope& s) { r = s.remote(); });
    std::atomic<bool> begun{false};
    std::jthread giver([&, given = *r] {
      for (int i = 0; i < 200; ++i) {
        begun = true;
        std::ignore = given.spawn({}, [] {}).result();
      }
    });
    while (!begun) std::this_thread::yield();
    rt.reset();
  }
}

TEST_F(Scope, MayBeCancelledByManyThreadsWhileItCloses) {
  runtime rt;
  for (int round = 0; round < 200; ++round) {
    std::optional<remote_scope> r;
    std::atomic<bool> ready{false};
    std::atomic<int> decided{0};
    std::vector<std::jthread> cancellers;
    for (int t = 0; t < 2; ++t)
      cancellers.emplace_back([&] {
        while (!ready) std::this_thread::yield();
        if (r->cancel("race")) ++decided;
      });
    try {
      rt.run([&](scope& s) {
        r = s.remote();
        ready = true;
        for (int i = 0; i < 3; ++i) s.spawn([](context& ctx) { ctx.yield(); });
      });
    } catch (const scope_cancelled&) {
    }
    cancellers.clear();
    ASSERT_LE(decided, 1);
  }
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

TEST_F(Scope, StopsTenThousandWaitingTasksByOneCancellation) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  int began = 0, left = 0;
  EXPECT_THROW(rt.run([&](scope& s) {
    for (int i = 0; i < many; ++i)
      s.spawn([&](context& ctx) {
        ++began;
        try {
          ctx.sleep_for(1h);
        } catch (const cancelled&) {
          ++left;
          throw;
        }
      });
    s.sleep_for(1s);
    EXPECT_EQ(began, many);
    s.cancel("all");
    s.check();
  }),
               scope_cancelled);
  EXPECT_EQ(left, many);
  EXPECT_EQ(rt.clock.now(), start + 1s);
}

// Each level is a task that opens a scope that spawns the next level: as many fibers as levels.
void descend(context& ctx, int levels, int& deepest, int& left) {
  if (levels == 0) {
    ctx.sleep_for(1h);
    return;
  }
  ctx.scope([&](scope& s) {
    ++deepest;
    try {
      s.spawn([&, levels](context& c) { descend(c, levels - 1, deepest, left); }).get();
    } catch (const cancelled&) {
      ++left;
      throw;
    }
  });
}

TEST_F(Scope, StopsAChainOfNestedScopesByOneCancellationAtTheTop) {
  manual_runtime rt;
  constexpr int levels = many / 10;
  int deepest = 0, left = 0;
  EXPECT_THROW(rt.run([&](scope& s) {
    s.spawn([&](context& ctx) { descend(ctx, levels, deepest, left); });
    s.sleep_for(1s);
    EXPECT_EQ(deepest, levels);
    s.cancel("from the top");
    s.check();
  }),
               scope_cancelled);
  EXPECT_EQ(left, levels);
}

TEST_F(Scope, SeesACancellationAtTheTopOfADeepChainAtOnce) {
  manual_runtime rt;
  EXPECT_THROW(rt.run([&](scope& top) {
    const std::function<void(context&, int)> nest = [&](context& ctx, int levels) {
      if (levels > 0) return ctx.scope([&](scope& s) { nest(s, levels - 1); });
      EXPECT_FALSE(ctx.stopping());
      top.cancel("top");
      EXPECT_TRUE(ctx.stopping()) << "nothing had to run in between";
      ctx.check();
    };
    nest(top, 100);
  }),
               scope_cancelled);
}

TEST_F(Scope, StartsTasksBesideAnyNumberOfFibersThatYieldForEver) {
  manual_runtime rt;
  bool go = false;
  rt.run([&](scope& s) {
    for (int i = 0; i < 100; ++i)
      s.spawn([&](context& ctx) {
        while (!go) ctx.yield();
      });
    s.yield();
    s.spawn([&](context&) { go = true; });
  });
}

TEST_F(ScopeDeathTest, RefusesOptionsThatCannotBe) {
  EXPECT_DEATH(manual_runtime().run({.name = ""}, [](scope&) {}), "name has 0 characters; it may have 1 to 128");
  EXPECT_DEATH(manual_runtime().run({.name = std::string(129, 'x')}, [](scope&) {}), "name has 129 characters");
  EXPECT_DEATH(manual_runtime().run([](scope& s) { s.scope({.name = std::string(129, 'x')}, [](scope&) {}); }),
               "a scope's name has 129 characters");
  EXPECT_DEATH(manual_runtime().run({.name = "page", .deadline = 0ms}, [](scope&) {}),
               "scope \"page\": the deadline has to be more than zero from now");
  EXPECT_DEATH(manual_runtime().run({.name = "page", .cleanup_timeout = -1ms}, [](scope&) {}),
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
                                      });
                                    }),
               "task \"late\" was spawned in scope \"page\", which has closed");
}

}  // namespace
}  // namespace workit
