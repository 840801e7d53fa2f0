// task: results, errors, cancellation and names.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <support/fixture.hpp>
#include <thread>
#include <vector>
#include <workit/scope/runtime.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

static_assert(std::is_copy_constructible_v<task<int>> && std::is_nothrow_move_constructible_v<task<int>>);
static_assert(std::is_same_v<decltype(std::declval<scope&>().spawn([] { return 1; })), task<int>>);
static_assert(std::is_same_v<decltype(std::declval<scope&>().spawn([](context&) {})), task<void>>);

class Task : public test::runtime_test {};
using TaskDeathTest = Task;
TEST_F(Task, ReturnsItsValue) {
  manual_runtime rt;
  EXPECT_EQ(rt.run([](scope& s) { return s.spawn([] { return 42; }).get(); }), 42);
}

TEST_F(Task, ReturnsAMoveOnlyValue) {
  manual_runtime rt;
  const auto p = rt.run([](scope& s) { return s.spawn([] { return std::make_unique<int>(7); }).get(); });
  EXPECT_EQ(*p, 7);
}

TEST_F(Task, TakesAMoveOnlyBody) {
  manual_runtime rt;
  EXPECT_EQ(rt.run([](scope& s) { return s.spawn([p = std::make_unique<int>(9)] { return *p; }).get(); }), 9);
}

TEST_F(Task, ReturnsAReferenceToTheVeryObject) {
  manual_runtime rt;
  int object = 1;
  rt.run([&](scope& s) {
    auto t = s.spawn([&](context&) -> int& { return object; });
    static_assert(std::is_same_v<decltype(t.get()), int&>);
    EXPECT_EQ(&t.get(), &object);
  });
}

TEST_F(Task, ReturnsNothing) {
  manual_runtime rt;
  bool ran = false;
  rt.run([&](scope& s) { s.spawn([&](context&) { ran = true; }).get(); });
  EXPECT_TRUE(ran);
}

TEST_F(Task, RethrowsTheVeryObjectThatItsBodyThrew) {
  manual_runtime rt;
  struct payload {
    int n;
  };
  const payload* thrown = nullptr;
  const payload* caught = nullptr;
  rt.run([&](scope& s) {
    auto t = s.spawn({.background = true}, [&](context& ctx) {
      try {
        throw payload{3};
      } catch (const payload& p) {
        thrown = &p;
        ctx.yield();
        throw;
      }
    });
    try {
      t.get();
    } catch (const payload& p) {
      caught = &p;
      EXPECT_EQ(p.n, 3);
    }
  });
  EXPECT_NE(caught, nullptr);
  EXPECT_EQ(caught, thrown);
}

TEST_F(Task, TellsItsGetterThatItWasCancelledByAnOrdinaryError) {
  manual_runtime rt;
  rt.run([](scope& s) {
    auto t = s.spawn({.name = "fetch"}, [](context& ctx) { ctx.sleep_for(1h); });
    EXPECT_TRUE(t.cancel("quota"));
    EXPECT_FALSE(t.cancel("second"));
    try {
      t.get();
      ADD_FAILURE() << "a cancelled task has no value";
    } catch (const task_cancelled& e) {
      EXPECT_EQ(e.task(), "fetch");
      EXPECT_EQ(std::get<reason::manual>(e.why()).tag, "quota");
    }
    EXPECT_EQ(t.status(), task_status::cancelled);
    EXPECT_FALSE(s.stopping()) << "only the task was cancelled";
  });
}

TEST_F(Task, ThrowsCancelledAtAGetterWhoseOwnScopeStops) {
  manual_runtime rt;
  bool left_by_cancelled = false;
  EXPECT_THROW(rt.run([&](scope& s) {
    auto t = s.spawn([](context& ctx) { ctx.sleep_for(1h); });
    s.cancel("enough");
    try {
      t.get();
    } catch (const cancelled& c) {
      left_by_cancelled = true;
      EXPECT_EQ(std::get<reason::manual>(c.why()).tag, "enough");
      throw;
    }
  }),
               scope_cancelled);
  EXPECT_TRUE(left_by_cancelled);
}

TEST_F(Task, AnswersOnceSettledThoughItsGetterIsStopping) {
  manual_runtime rt;
  rt.run([](scope& s) {
    auto t = s.spawn([] { return 5; });
    t.wait();
    s.cancel("stop");
    EXPECT_TRUE(s.stopping());
    EXPECT_EQ(t.get(), 5);
  });
}

TEST_F(Task, ReturnsItsOutcomeWithoutThrowing) {
  manual_runtime rt;
  rt.run([](scope& s) {
    auto good = s.spawn([] { return 1; }).result();
    EXPECT_EQ(std::move(good).value(), 1);
    auto bad = s.spawn({.background = true}, []() -> int { throw std::runtime_error("boom"); }).result();
    EXPECT_TRUE(bad.is_error());
    auto slow = s.spawn([](context& ctx) { ctx.sleep_for(1h); });
    slow.cancel(reason::user{"stop"});
    auto stopped = slow.result();
    ASSERT_TRUE(stopped.is_cancelled());
    EXPECT_EQ(std::get<reason::user>(stopped.why()).message, "stop");
  });
}

TEST_F(Task, SucceedsWhenItsBodyIgnoresTheCancellationAndReturns) {
  manual_runtime rt;
  rt.run([](scope& s) {
    auto t = s.spawn([](context& ctx) {
      while (!ctx.stopping()) {
        try {
          ctx.yield();
        } catch (const cancelled&) {
        }
      }
      return 3;
    });
    s.spawn([](context& ctx) { ctx.yield(); }).get();
    t.cancel("stop");
    EXPECT_EQ(t.get(), 3);
    EXPECT_EQ(t.status(), task_status::succeeded);
  });
}

TEST_F(Task, NeverStartsInsideSpawn) {
  manual_runtime rt;
  rt.run([](scope& s) {
    bool started = false;
    auto t = s.spawn([&] { started = true; });
    EXPECT_FALSE(started);
    EXPECT_EQ(t.status(), task_status::pending);
    t.get();
    EXPECT_TRUE(started);
  });
}

TEST_F(Task, StartsInTheOrderOfSpawning) {
  manual_runtime rt;
  std::vector<int> order;
  rt.run([&](scope& s) {
    for (int i = 0; i < 200; ++i) s.spawn([&, i] { order.push_back(i); });
  });
  ASSERT_EQ(order.size(), 200u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(Task, IsBornCancelledInAScopeThatIsStopping) {
  manual_runtime rt;
  bool ran = false;
  rt.run([&](scope& s) {
    s.cancel("closing");
    auto t = s.spawn([&] { ran = true; });
    EXPECT_EQ(t.status(), task_status::cancelled);
    auto o = t.result();
    ASSERT_TRUE(o.is_cancelled());
    EXPECT_EQ(std::get<reason::manual>(o.why()).tag, "closing");
  });
  EXPECT_FALSE(ran);
}

TEST_F(Task, NeverStartsWhenItIsCancelledInTheQueue) {
  manual_runtime rt;
  rt.run([](scope& s) {
    int ran = 0;
    auto first = s.spawn([&] { ++ran; });
    auto second = s.spawn([&] { ++ran; });
    first.cancel("before it began");
    second.get();
    EXPECT_TRUE(first.result().is_cancelled());
    EXPECT_EQ(ran, 1) << "the other one, which was not cancelled, did start";
  });
}

TEST_F(Task, DestroysItsBodyBeforeAnyoneLearnsThatItEnded) {
  manual_runtime rt;
  rt.run([](scope& s) {
    auto captured = std::make_shared<int>(1);
    auto t = s.spawn([captured] {});
    EXPECT_EQ(captured.use_count(), 2);
    t.wait();
    EXPECT_EQ(captured.use_count(), 1);
    auto never = s.spawn([captured] {});
    never.cancel("unstarted");
    never.wait();
    EXPECT_EQ(captured.use_count(), 1);
    s.cancel("stop");
    auto born_cancelled = s.spawn([captured] {});
    EXPECT_EQ(captured.use_count(), 1);
  });
}

TEST_F(Task, IsStillOwnedByItsScopeWhenItsHandleIsDropped) {
  manual_runtime rt;
  bool finished = false;
  rt.run([&](scope& s) {
    {
      auto dropped = s.spawn([&](context& ctx) {
        ctx.sleep_for(1h);
        finished = true;
      });
    }
  });
  EXPECT_TRUE(finished) << "the scope closed before what it owns had ended";
}

TEST_F(Task, HandleOutlivesScopeAndRuntime) {
  std::optional<task<std::string>> done, failed, stopped;
  {
    manual_runtime rt;
    rt.run([&](scope& s) {
      done = s.spawn([] { return std::string("kept"); });
      failed = s.spawn({.name = "f", .background = true}, []() -> std::string { throw std::logic_error("kept too"); });
      stopped = s.spawn([](context& ctx) -> std::string {
        ctx.sleep_for(1h);
        return {};
      });
      stopped->cancel("late");
    });
  }
  EXPECT_EQ(done->get(), "kept");
  EXPECT_THROW(failed->get(), std::logic_error);
  EXPECT_FALSE(stopped->cancel("too late"));
  EXPECT_EQ(failed->receipt().status, task_status::failed);
  EXPECT_EQ(failed->name(), "f");
  EXPECT_THROW(stopped->get(), task_cancelled);
}

TEST_F(Task, GivesItsReceiptOnceSettled) {
  manual_runtime rt;
  rt.run([](scope& s) {
    auto t = s.spawn({.name = "llm", .kind = task_kind::llm}, [] {});
    t.wait();
    const auto r = t.receipt();
    EXPECT_EQ(r.id, t.id());
    EXPECT_EQ(r.name, "llm");
    EXPECT_EQ(r.kind, task_kind::llm);
    EXPECT_EQ(r.status, task_status::succeeded);
    EXPECT_TRUE(r.stops.empty());
  });
}

TEST_F(Task, HasAnIdOfItsOwn) {
  manual_runtime rt;
  rt.run([](scope& s) {
    auto a = s.spawn([](context& ctx) { return ctx.id(); });
    auto b = s.spawn([](context& ctx) { return ctx.id(); });
    EXPECT_NE(a.id(), b.id());
    EXPECT_NE(a.id(), s.id());
    EXPECT_EQ(a.get(), a.id());
    EXPECT_EQ(b.get(), b.id());
  });
}

TEST_F(Task, CarriesExceptionsOfTypesThatAreNoStdException) {
  manual_runtime rt;
  rt.run([](scope& s) {
    auto t = s.spawn({.background = true}, [] { throw 17; });
    try {
      t.get();
      ADD_FAILURE();
    } catch (int n) {
      EXPECT_EQ(n, 17);
    }
  });
}

TEST_F(Task, HasAWordForEachStatus) {
  EXPECT_EQ(to_string(task_status::pending), "pending");
  EXPECT_EQ(to_string(task_status::running), "running");
  EXPECT_EQ(to_string(task_status::succeeded), "succeeded");
  EXPECT_EQ(to_string(task_status::failed), "failed");
  EXPECT_EQ(to_string(task_status::cancelled), "cancelled");
}

TEST_F(TaskDeathTest, TakenTwiceIsMisuse) {
  EXPECT_DEATH(manual_runtime().run([](scope& s) {
    auto t = s.spawn({.name = "fetch"}, [] { return 1; });
    t.get();
    t.get();
  }),
               "the outcome of task \"fetch\" was taken twice");
  EXPECT_DEATH(manual_runtime().run([](scope& s) {
    auto t = s.spawn({.name = "fetch"}, [] { return 1; });
    std::ignore = t.result();
    t.get();
  }),
               "taken twice");
}

TEST_F(Task, ItsNameIsCutVisiblyWhenItIsTooLong) {
  manual_runtime rt;
  rt.run([](scope& s) {
    EXPECT_EQ(s.spawn({.name = ""}, [] {}).name(), "anonymous");
    EXPECT_EQ(s.spawn({.name = std::string(128, 'x')}, [] {}).name(), std::string(128, 'x'));
    EXPECT_EQ(s.spawn({.name = std::string(129, 'x')}, [] {}).name(), std::string(125, 'x') + "...");
    EXPECT_EQ(s.spawn({.name = std::string(1 << 20, 'x')}, [] {}).name(), std::string(125, 'x') + "...");
    std::string umlauts = "x";
    while (umlauts.size() < 200) umlauts += "\u00e4";
    EXPECT_EQ(s.spawn({.name = umlauts}, [] {}).name(), umlauts.substr(0, 125) + "...") << "62 whole ones";
    EXPECT_EQ(s.spawn({.name = umlauts.substr(1)}, [] {}).name(), umlauts.substr(1, 124) + "...")
        << "not half of the 63rd";
  });
}

TEST_F(Task, AcceptsNamesOfOneAndOf128Characters) {
  manual_runtime rt;
  rt.run([](scope& s) {
    s.spawn({.name = "x"}, [] {}).get();
    s.spawn({.name = std::string(128, 'x')}, [] {}).get();
  });
}

TEST_F(TaskDeathTest, AskedForItsReceiptTooEarlyIsMisuse) {
  EXPECT_DEATH(manual_runtime().run([](scope& s) { std::ignore = s.spawn({.name = "early"}, [] {}).receipt(); }),
               "the receipt of task \"early\" was asked for while it is pending: wait\\(\\) for it first");
}

}  // namespace
}  // namespace workit
