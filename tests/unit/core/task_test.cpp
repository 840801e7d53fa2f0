#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <support/fixture.hpp>
#include <thread>
#include <vector>
#include <workit/runtime.hpp>

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

TEST_F(Task, BlocksAForeignThreadUntilItHasEnded) {
  manual_runtime rt;
  std::atomic<bool> may_end{false};
  auto root = rt.rt.spawn({}, [&](scope& s) {
    while (!may_end) s.yield();
    return 11;
  });
  std::atomic<int> got{0};
  std::vector<std::jthread> getters;
  for (int i = 0; i < 4; ++i)
    getters.emplace_back([root, &got]() mutable {
      root.wait();
      ++got;
    });
  EXPECT_EQ(got, 0);
  may_end = true;
  getters.clear();
  EXPECT_EQ(got, 4);
  EXPECT_EQ(root.get(), 11);
}

TEST_F(Task, SuspendsAFiberOfAnotherLoopOfTheSameRuntime) {
  runtime rt({.io_threads = 2});
  std::atomic<bool> waits{false};
  auto other = rt.spawn({.name = "other"}, [&](scope& s) {
    const auto here = std::this_thread::get_id();
    while (!waits) s.yield();
    return here;
  });
  auto getter = rt.spawn({.name = "getter"}, [&](scope& s) {
    int neighbour_ran = 0;
    s.spawn([&](context& ctx) {
      while (other.status() != task_status::running) ctx.yield();
      neighbour_ran = 1;
      waits = true;
    });
    const auto there = other.get();
    EXPECT_NE(there, std::this_thread::get_id());
    return neighbour_ran;
  });
  EXPECT_EQ(getter.get(), 1) << "the loop of the getter stood still while it waited";
}

TEST_F(Task, LetsAGetterOnAnotherLoopLeaveWhenThatIsCancelled) {
  runtime rt({.io_threads = 2});
  auto other = rt.spawn({}, [&](scope& s) { s.sleep_for(1h); });
  auto getter = rt.spawn({}, [&](scope& s) {
    s.spawn([&s](context&) { s.cancel("not waiting"); });
    other.get();
  });
  EXPECT_THROW(getter.get(), scope_cancelled);
  other.cancel("done");
  EXPECT_TRUE(other.result().is_cancelled());
}

TEST_F(Task, AnswersManyGettersOnTwoLoopsWhileItEndsAtAnyMoment) {
  runtime rt({.io_threads = 2});
  for (int round = 0; round < 300; ++round) {
    auto source = rt.spawn({}, [](scope& s) { s.yield(); });
    auto other = rt.spawn({}, [source](scope& s) mutable {
      for (int i = 0; i < 3; ++i) s.spawn([source]() mutable { source.wait(); });
    });
    source.wait();
    other.wait();
  }
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

TEST_F(TaskDeathTest, RefusesNamesThatAreEmptyOrTooLong) {
  EXPECT_DEATH(manual_runtime().run([](scope& s) { s.spawn({.name = ""}, [] {}); }),
               "a task's name has 0 characters; it may have 1 to 128");
  EXPECT_DEATH(manual_runtime().run([](scope& s) { s.spawn({.name = std::string(129, 'x')}, [] {}); }),
               "a task's name has 129 characters");
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

TEST_F(TaskDeathTest, WaitedForOnTheLoopsOwnStackIsMisuse) {
  EXPECT_DEATH(manual_runtime().run([](scope& s) {
    auto t = s.spawn([](context& ctx) { ctx.sleep_for(1h); });
    const std::stop_callback waits(s.stop_token(), [&] { t.wait(); });
    s.cancel("now");
    s.sleep_for(1h);
  }),
               "waiting for a task suspends, and only a fiber can: .*on the loop's own stack");
}

// A destructor that waits for a task while its fiber unwinds: cancel points are shielded then, and it gets its answer.
struct waits_in_destructor {
  task<int> awaited;
  std::optional<int>& got;
  ~waits_in_destructor() {
    try {
      got = awaited.get();
    } catch (...) {
      got = -1;
    }
  }
};

TEST_F(Task, AnswersADestructorThatWaitsWhileCancelledUnwinds) {
  manual_runtime rt;
  std::optional<int> got;
  EXPECT_THROW(rt.run([&](scope& s) {
    auto slow_to_stop = s.spawn([](context& ctx) {
      ctx.defer([](context& c) { c.sleep_for(10s); });
      ctx.sleep_for(1h);
      return 1;
    });
    s.spawn([&](context& ctx) {
      const waits_in_destructor guard{slow_to_stop, got};
      ctx.sleep_for(1h);
    });
    s.sleep_for(1s);
    s.cancel("stop");
    s.check();
  }),
               scope_cancelled);
  EXPECT_EQ(got, -1) << "it heard that the task was cancelled, after that had ended";
}

TEST_F(Task, AnswersADestructorThatWaitsLongerThanTheBoundOfUnwinding) {
  manual_runtime rt({.cleanup_timeout = 1s});
  std::optional<int> got;
  EXPECT_THROW(rt.run([&](scope& s) {
    auto slow_to_stop = s.spawn([](context& ctx) {
      ctx.defer({.timeout = 1h}, [](context& c) { c.sleep_for(10s); });
      ctx.sleep_for(1h);
      return 1;
    });
    s.spawn([&](context& ctx) {
      const waits_in_destructor guard{slow_to_stop, got};
      ctx.sleep_for(1h);
    });
    s.sleep_for(1s);
    s.cancel("stop");
    s.check();
  }),
               scope_cancelled);
  EXPECT_EQ(got, -1);
}

TEST_F(Task, AnswersADestructorThatWaitsForAnotherLoopLongerThanTheBoundOfUnwinding) {
  runtime rt({.io_threads = 2, .cleanup_timeout = 100us});
  std::optional<int> got;
  std::atomic<bool> may_end{false};
  auto other = rt.spawn({}, [&](scope& s) {
    while (!may_end) s.yield();
    return 8;
  });
  auto stops = rt.spawn({}, [&](scope& s) {
    s.spawn([&](context& ctx) {
      const waits_in_destructor guard{other, got};
      ctx.sleep_for(1h);
    });
    s.spawn({.name = "opens the gate"}, [&](context& ctx) {
      ctx.defer({.timeout = 1h}, [&](context& c) {
        c.sleep_for(1ms);  // past the bound of the destructor
        may_end = true;
      });
      ctx.sleep_for(1h);
    });
    s.spawn([&s] { s.cancel("stop"); });
    s.sleep_for(1h);
  });
  EXPECT_THROW(stops.get(), scope_cancelled);
  EXPECT_EQ(got, 8);
}

}  // namespace
}  // namespace workit
