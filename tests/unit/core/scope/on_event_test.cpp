// on_event(): handlers of lifecycle events, and the order of events.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <stdexcept>
#include <support/fixture.hpp>
#include <thread>
#include <utility>
#include <vector>
#include <workit/base/event.hpp>
#include <workit/scope/runtime.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;
using entries = std::vector<std::string>;

class OnEvent : public test::runtime_test {
 protected:
  entries log;
  auto recorder() {
    return [this](const lifecycle_event& e) { log.push_back(std::string(kind_of(e)) + ' ' + std::string(e.name)); };
  }
};
using OnEventDeathTest = OnEvent;

TEST_F(OnEvent, TellsALifeInItsOrder) {
  manual_runtime rt({.on_event = recorder()});
  rt.run({.name = "page"}, [](scope& s) { s.spawn({.name = "part"}, [](context& ctx) { ctx.sleep_for(1h); }).get(); });
  EXPECT_EQ(log, (entries{"task_started page", "scope_opened page", "task_started part", "task_succeeded part",
                          "scope_closing page", "scope_closed page", "task_succeeded page"}));
}

// The order that contracts with observers rest on: a failure closes the scope before the failed task's own cleanups,
// and the terminal event of a task follows its cleanups.
TEST_F(OnEvent, TellsAFailureInItsOrder) {
  manual_runtime rt;
  EXPECT_THROW(rt.run({.name = "page"},
                      [&](scope& s) {
                        s.on_event(recorder()).keep();
                        s.spawn({.name = "sibling"}, [](context& ctx) { ctx.sleep_for(1h); });
                        s.spawn({.name = "fails"}, [](context& ctx) {
                          ctx.defer([](context& c) {
                            c.sleep_for(1s);
                            throw std::logic_error("cleanup");
                          });
                          throw std::runtime_error("boom");
                        });
                        s.sleep_for(2h);
                      }),
               std::runtime_error);
  EXPECT_EQ(log, (entries{"task_started sibling", "task_started fails", "scope_closing page", "task_cancelled sibling",
                          "cleanup_failed fails", "task_failed fails", "scope_closed page"}));
}

TEST_F(OnEvent, TellsNothingOfATaskAfterItsTerminalEvent) {
  manual_runtime rt;
  std::map<work_id, int> terminals;
  int after_terminal = 0, total = 0;
  try {
    rt.run([&](scope& s) {
      s.on_event([&](const lifecycle_event& e) {
         ++total;
         if (terminals[e.id] > 0) ++after_terminal;
         const auto kind = kind_of(e);
         if (kind == "task_succeeded" || kind == "task_failed" || kind == "task_cancelled") ++terminals[e.id];
       }).keep();
      for (int i = 0; i < 60; ++i)
        s.spawn({.background = true}, [i](context& ctx) {
          ctx.defer([] { throw std::logic_error("cleanup"); });
          ctx.defer({.timeout = 1s}, [](context& c) { c.sleep_for(1h); });
          ctx.sleep_for(std::chrono::seconds(i));
          if (i % 3 == 0) throw std::runtime_error("boom");
          if (i % 3 == 1) ctx.sleep_for(1000h);
        });
      s.sleep_for(1h);
      s.cancel("stop");
      s.check();
    });
  } catch (const scope_cancelled&) {
  }
  EXPECT_EQ(after_terminal, 0);
  int ended_once = 0;
  for (const auto& [id, n] : terminals) ended_once += n == 1 ? 1 : 0;
  EXPECT_EQ(ended_once, 60);
  EXPECT_GT(total, 60 * 4);
}

TEST_F(OnEvent, SaysWhyAScopeCloses) {
  manual_runtime rt;
  entries why;
  const auto note = [&](const lifecycle_event& e) {
    if (const auto* closing = std::get_if<event::scope_closing>(&e.body))
      why.emplace_back(closing->why != nullptr ? kind_of(*closing->why) : "peace");
  };
  rt.run([&](scope& s) {
    s.on_event(note).keep();
    s.scope([](scope&) {});
    EXPECT_THROW(s.scope({.deadline = 1s}, [](scope& in) { in.sleep_for(1h); }), timed_out);
    EXPECT_THROW(s.scope([](scope&) { throw std::runtime_error("x"); }), std::runtime_error);
  });
  EXPECT_EQ(why, (entries{"peace", "deadline", "parent_failed", "peace"}));
}

TEST_F(OnEvent, TellsEachScopeBelowACancelledOneThatItCloses) {
  manual_runtime rt;
  EXPECT_THROW(rt.run({.name = "top"},
                      [&](scope& s) {
                        s.on_event(recorder()).keep();
                        s.spawn({.name = "t"}, [](context& ctx) {
                          ctx.scope({.name = "below"}, [](scope& in) { in.sleep_for(1h); });
                        });
                        s.sleep_for(1s);
                        s.cancel("stop");
                        s.check();
                      }),
               scope_cancelled);
  EXPECT_EQ(log, (entries{"task_started t", "scope_opened below", "scope_closing top", "scope_closing below",
                          "scope_closed below", "task_cancelled t", "scope_closed top"}));
}

TEST_F(OnEvent, HearsDescendantsAndNoOtherScopes) {
  manual_runtime rt;
  rt.run({.name = "top"}, [&](scope& s) {
    s.scope({.name = "heard"}, [&](scope& in) {
      in.on_event(recorder()).keep();
      s.spawn({.name = "of top"}, [] {}).get();
      in.spawn({.name = "of heard"}, [](context& ctx) { ctx.scope({.name = "deep"}, [](scope&) {}); }).get();
    });
  });
  EXPECT_EQ(log, (entries{"task_started of heard", "scope_opened deep", "scope_closing deep", "scope_closed deep",
                          "task_succeeded of heard", "scope_closing heard", "scope_closed heard"}));
}

// Each scope in a task of the one above it, so that the chain is longer than any stack.
void descend(context& ctx, int levels) {
  if (levels == 0) return;
  ctx.scope({.name = "level"}, [levels](scope& s) {
    s.spawn({.name = levels == 1 ? "deepest" : "on the way"}, [levels](context& c) { descend(c, levels - 1); }).wait();
  });
}

TEST_F(OnEvent, ClimbsAChainOfThousandsOfScopes) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr int levels = 500;  // fibers are expensive under a sanitizer
#else
  constexpr int levels = 5'000;
#endif
  manual_runtime rt;
  int opened = 0;
  entries of_the_deepest;
  rt.run([&](scope& s) {
    s.on_event([&](const lifecycle_event& e) {
       if (std::holds_alternative<event::scope_opened>(e.body)) ++opened;
       if (e.name == "deepest") of_the_deepest.emplace_back(kind_of(e));
     }).keep();
    s.spawn([](context& ctx) { descend(ctx, levels); });
  });
  EXPECT_EQ(opened, levels);
  EXPECT_EQ(of_the_deepest, (entries{"task_started", "task_succeeded"}));
}

TEST_F(OnEvent, CallsHandlersFromTheInsideOut) {
  entries order;
  manual_runtime rt({.on_event = [&](const lifecycle_event& e) {
    if (e.name == "x" && kind_of(e) == "task_started") order.push_back("runtime");
  }});
  rt.run([&](scope& s) {
    const auto as = [&](const char* listener) {
      return [&order, listener](const lifecycle_event& e) {
        if (e.name == "x" && kind_of(e) == "task_started") order.push_back(listener);
      };
    };
    s.on_event(as("outer")).keep();
    s.scope([&](scope& in) {
      in.on_event(as("inner 1")).keep();
      in.on_event(as("inner 2")).keep();
      in.spawn({.name = "x"}, [] {});
    });
  });
  EXPECT_EQ(order, (entries{"inner 1", "inner 2", "outer", "runtime"}));
}

TEST_F(OnEvent, IsHeardUntilTheSubscriptionEnds) {
  manual_runtime rt;
  int other = 0;
  rt.run([&](scope& s) {
    subscription moved;
    {
      auto heard = s.on_event(recorder());
      moved = std::move(heard);
    }
    s.on_event([&](const lifecycle_event&) { ++other; }).keep();
    s.spawn({.name = "a"}, [] {}).get();
    EXPECT_TRUE(moved.is_active());
    moved.end();
    EXPECT_FALSE(moved.is_active());
    moved.end();
    s.spawn({.name = "b"}, [] {}).get();
    EXPECT_EQ(other, 4);
  });
  EXPECT_EQ(log, (entries{"task_started a", "task_succeeded a"}));
}

TEST_F(OnEvent, ANewSubscriptionInTheSamePlaceEndsTheOldOne) {
  manual_runtime rt;
  int first = 0, second = 0;
  rt.run([&](scope& s) {
    auto heard = s.on_event([&](const lifecycle_event&) { ++first; });
    heard = s.on_event([&](const lifecycle_event&) { ++second; });
    s.spawn([] {}).get();
  });
  EXPECT_EQ(first, 0);
  EXPECT_EQ(second, 2) << "start and end of the task; the subscription ends with the body, before the scope closes";
}

TEST_F(OnEvent, LetsGoOfTheHandlerWhenTheScopeHasClosedAlthoughTheSubscriptionLives) {
  manual_runtime rt;
  auto held = std::make_shared<int>();
  subscription outlives;
  rt.run([&](scope& s) {
    outlives = s.on_event([held](const lifecycle_event&) { ++*held; });
    EXPECT_EQ(held.use_count(), 2);
  });
  EXPECT_EQ(*held, 2) << "the scope's own end";
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_FALSE(outlives.is_active());
  std::thread([&] { outlives.end(); }).join();  // of nothing: any thread may
}

TEST_F(OnEvent, DoesNotCallAHandlerWhoseSubscriptionAnEarlierOneHasJustEnded) {
  manual_runtime rt;
  int late = 0;
  rt.run([&](scope& s) {
    subscription second;
    const auto first = s.on_event([&](const lifecycle_event&) { second.end(); });
    second = s.on_event([&](const lifecycle_event&) { ++late; });
    s.spawn([] {}).get();
  });
  EXPECT_EQ(late, 0);
}

TEST_F(OnEventDeathTest, SaysThatASubscriptionWasEndedOnAnotherThread) {
  EXPECT_DEATH(
      {
        manual_runtime rt;
        rt.run([](scope& s) {
          auto heard = s.on_event([](const lifecycle_event&) {});
          std::thread([&] { heard.end(); }).join();
        });
      },
      "a subscription was ended on another thread while its scope is open: end it on the scope's loop");
}

TEST_F(OnEvent, LetsAHandlerEndItsOwnSubscriptionAndSubscribeAnother) {
  manual_runtime rt;
  int first = 0, second = 0;
  rt.run([&](scope& s) {
    subscription mine;
    mine = s.on_event([&](const lifecycle_event&) {
      ++first;
      mine.end();
      s.on_event([&](const lifecycle_event&) { ++second; }).keep();
    });
    s.spawn([] {}).get();
  });
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 3) << "the end of the task, and the two of the scope";
}

TEST_F(OnEvent, SwallowsWhatAHandlerThrows) {
  manual_runtime rt({.on_event = [](const lifecycle_event&) { throw std::runtime_error("runtime's handler"); }});
  int others = 0;
  EXPECT_EQ(rt.run([&](scope& s) {
    s.on_event([](const lifecycle_event&) { throw 1; }).keep();
    s.on_event([&](const lifecycle_event&) { ++others; }).keep();
    return s.spawn([] { return 6; }).get();
  }),
            6);
  EXPECT_EQ(others, 4);
}

TEST_F(OnEvent, CarriesTimesByTheRuntimesClock) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  duration took{}, open{};
  time_point at{};
  rt.run([&](scope& s) {
    s.on_event([&](const lifecycle_event& e) {
       if (const auto* done = std::get_if<event::task_succeeded>(&e.body)) {
         took = done->took;
         at = e.at;
       }
       if (const auto* closed = std::get_if<event::scope_closed>(&e.body)) open = closed->took;
     }).keep();
    s.spawn([](context& ctx) { ctx.sleep_for(2h); });
    s.sleep_for(3h);
  });
  EXPECT_EQ(took, 2h);
  EXPECT_EQ(at, start + 2h);
  EXPECT_EQ(open, 3h);
}

TEST_F(OnEvent, CarriesReasonErrorAndScope) {
  manual_runtime rt;
  work_id scope_id = 0, heard_scope = 0;
  task_kind kind{};
  std::string why, what;
  rt.run([&](scope& s) {
    scope_id = s.id();
    s.on_event([&](const lifecycle_event& e) {
       if (const auto* started = std::get_if<event::task_started>(&e.body)) {
         heard_scope = started->scope;
         kind = started->kind;
       }
       if (const auto* stopped = std::get_if<event::task_cancelled>(&e.body)) why = describe(*stopped->why);
       if (const auto* failed = std::get_if<event::task_failed>(&e.body)) {
         try {
           std::rethrow_exception(failed->error);
         } catch (const std::exception& error) {
           what = error.what();
         }
       }
     }).keep();
    s.spawn({.kind = task_kind::tool, .background = true}, [] { throw std::runtime_error("boom"); }).wait();
    auto t = s.spawn({.kind = task_kind::tool}, [](context& ctx) { ctx.sleep_for(1h); });
    s.sleep_for(1s);
    t.cancel("quota");
  });
  EXPECT_EQ(heard_scope, scope_id);
  EXPECT_EQ(kind, task_kind::tool);
  EXPECT_EQ(why, "manual: quota");
  EXPECT_EQ(what, "boom");
}

TEST_F(OnEvent, SpeaksOnceOfATaskThatWasCancelledInTheQueue) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    s.on_event(recorder()).keep();
    auto t = s.spawn({.name = "queued"}, [] {});
    t.cancel("before it began");
    t.wait();
  });
  EXPECT_EQ(log, (entries{"task_cancelled queued", "scope_closing scope", "scope_closed scope"})) << "it never started";
}

}  // namespace
}  // namespace workit
