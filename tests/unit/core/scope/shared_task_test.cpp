// spawn_once() and shared_task: one task for each key.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <random>
#include <stdexcept>
#include <support/fixture.hpp>
#include <support/refused.hpp>
#include <support/seed.hpp>
#include <thread>
#include <workit/scope/runtime.hpp>
#include <workit/scope/shared_task.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

static_assert(std::is_copy_constructible_v<shared_task<int>> && std::is_nothrow_move_constructible_v<shared_task<int>>);
static_assert(std::is_same_v<decltype(std::declval<scope&>().spawn_once("k", [] { return 1; })), shared_task<int>>);
static_assert(std::is_same_v<decltype(std::declval<shared_task<int>&>().get()), const int&>);
static_assert(std::is_same_v<decltype(std::declval<shared_task<int>>().get()), int>, "a last handle gives a copy");
static_assert(std::is_same_v<decltype(std::declval<shared_task<int&>>().get()), int&>);
static_assert(std::is_same_v<decltype(std::declval<shared_task<void>>().get()), void>);
template <class Handle>
concept has_value = requires(Handle&& h) {
  std::forward<Handle>(h).get();
};
static_assert(has_value<shared_task<std::unique_ptr<int>>&> && !has_value<shared_task<std::unique_ptr<int>>>);

class SharedTask : public test::runtime_test {
 protected:
  // The keys that the scope holds at this instant.
  static bool holds_keys(scope& s) {
    const auto& extras = s.node().extras;
    return extras != nullptr && extras->registry != nullptr;
  }
};

TEST_F(SharedTask, RunsOneFunctionForAllRequestsUnderItsKey) {
  manual_runtime rt;
  rt.run([](scope& s) {
    int first = 0, second = 0;
    auto a = s.spawn_once("user:42", {.name = "load"}, [&](context& ctx) {
      ++first;
      ctx.sleep_for(10ms);
      return std::string("profile");
    });
    auto b = s.spawn_once("user:42", {.name = "load again"}, [&] {
      ++second;
      return std::string("other");
    });
    auto other = s.spawn_once("user:43", [&] {
      ++second;
      return std::string("another");
    });
    EXPECT_EQ(a.id(), b.id());
    EXPECT_EQ(b.name(), "load");
    EXPECT_EQ(&a.get(), &b.get()) << "one value, in one place";
    EXPECT_EQ(a.get(), "profile") << "as often as one likes";
    EXPECT_NE(other.id(), a.id());
    EXPECT_EQ(other.get(), "another");
    EXPECT_EQ(first, 1);
    EXPECT_EQ(second, 1) << "that of the other key only";
  });
}

TEST_F(SharedTask, LetsEveryHolderWaitAtOnce) {
  manual_runtime rt;
  rt.run([](scope& s) {
    int runs = 0, sum = 0;
    const auto load = [&](context& ctx) {
      ++runs;
      ctx.sleep_for(1ms);
      return std::make_unique<int>(7);
    };
    for (int i = 0; i < 100; ++i)
      s.spawn([&] {
        const auto shared = s.spawn_once("k", load);
        sum += *shared.get();
      });
    s.sleep_for(5ms);
    EXPECT_EQ(sum, 700);
    EXPECT_EQ(runs, 1);
  });
}

TEST_F(SharedTask, GivesEveryHolderTheSameException) {
  manual_runtime rt;
  rt.run([](scope& s) {
    const auto fail = [](context& ctx) {
      ctx.sleep_for(1ms);
      throw std::runtime_error("no route");
    };
    const auto a = s.spawn_once("k", {.background = true}, fail);
    const auto b = a;
    std::vector<const std::exception*> caught;
    for (const auto& handle : {a, b, a}) try {
        handle.get();
      } catch (const std::runtime_error& e) {
        EXPECT_STREQ(e.what(), "no route");
        caught.push_back(&e);
      }
    ASSERT_EQ(caught.size(), 3u);
    EXPECT_EQ(caught[0], caught[1]);
    EXPECT_EQ(caught[0], caught[2]);
  });
}

TEST_F(SharedTask, KeepsItsKeyUntilItsCleanupsHaveRun) {
  manual_runtime rt;
  rt.run([](scope& s) {
    int runs = 0;
    const auto load = [&](context& ctx) {
      ctx.defer([](context& c) { c.sleep_for(10ms); });
      return ++runs;
    };
    const auto first = s.spawn_once("k", load);
    s.sleep_for(5ms);
    EXPECT_EQ(first.status(), task_status::running) << "its cleanup is running";
    EXPECT_EQ(s.spawn_once("k", load).id(), first.id());
    first.wait();
    const auto second = s.spawn_once("k", load);
    EXPECT_NE(second.id(), first.id()) << "the key is free again";
    EXPECT_EQ(second.get(), 2);
    EXPECT_EQ(first.get(), 1) << "a handle keeps its value";
  });
}

TEST_F(SharedTask, FreesItsKeyAfterAFailureAndAfterACancellation) {
  manual_runtime rt;
  rt.run([](scope& s) {
    const task_options alone{.background = true};
    EXPECT_THROW(s.spawn_once("k", alone, []() -> int { throw std::runtime_error("first"); }).get(),
                 std::runtime_error);
    const auto hangs = s.spawn_once("k", alone, [](context& ctx) {
      ctx.sleep_for(1h);
      return 1;
    });
    s.sleep_for(1ms);
    EXPECT_TRUE(hangs.cancel("enough"));
    EXPECT_EQ(s.spawn_once("k", alone, [] { return 3; }).id(), hangs.id()) << "it has not ended yet";
    EXPECT_THROW(hangs.get(), task_cancelled);
    EXPECT_EQ(s.spawn_once("k", alone, [] { return 3; }).get(), 3);
  });
}

TEST_F(SharedTask, IsCancelledForAllByOneHolder) {
  manual_runtime rt;
  rt.run([](scope& s) {
    const auto a = s.spawn_once("k", [](context& ctx) { ctx.sleep_for(1h); });
    const auto b = s.spawn_once("k", [](context& ctx) { ctx.sleep_for(1h); });
    s.sleep_for(1ms);
    EXPECT_TRUE(b.cancel("quota"));
    EXPECT_FALSE(a.cancel("late"));
    for (const auto& handle : {a, b}) try {
        handle.get();
        ADD_FAILURE() << "a cancelled task has no value";
      } catch (const task_cancelled& e) {
        EXPECT_EQ(describe(e.why()), "manual: quota");
      }
    EXPECT_FALSE(s.stopping());
  });
}

TEST_F(SharedTask, LivesOnWhenOneOfItsWaitersIsCancelled) {
  manual_runtime rt;
  rt.run([](scope& s) {
    const auto load = [](context& ctx) {
      ctx.sleep_for(10ms);
      return 7;
    };
    auto impatient = s.spawn([&] { return s.spawn_once("k", load).get(); });
    auto patient = s.spawn([&] { return s.spawn_once("k", load).get(); });
    s.sleep_for(1ms);
    impatient.cancel("gone");
    EXPECT_TRUE(impatient.result().is_cancelled());
    EXPECT_EQ(patient.get(), 7);
  });
}

TEST_F(SharedTask, HasItsKeyInItsOwnScopeOnly) {
  manual_runtime rt;
  rt.run([](scope& outer) {
    const auto load = [](context& ctx) {
      ctx.sleep_for(1ms);
      return 1;
    };
    const auto a = outer.spawn_once("k", load);
    outer.scope([&](scope& inner) { EXPECT_NE(inner.spawn_once("k", load).id(), a.id()); });
  });
}

TEST_F(SharedTask, IsBornCancelledInAScopeThatStopsAndLeavesNoKey) {
  manual_runtime rt;
  EXPECT_THROW(rt.run([](scope& s) {
    bool ran = false;
    const auto live = s.spawn_once("live", [](context& ctx) { ctx.sleep_for(1h); });
    s.sleep_for(1ms);
    s.cancel("enough");
    const auto late = s.spawn_once("k", [&] { ran = true; });
    EXPECT_EQ(late.status(), task_status::cancelled);
    EXPECT_NE(s.spawn_once("k", [] {}).id(), late.id());
    EXPECT_EQ(s.spawn_once("live", [] {}).id(), live.id());
    live.wait();
    EXPECT_FALSE(ran);
  }),
               scope_cancelled);
}

TEST_F(SharedTask, LeavesNothingBehindAndCostsNothingUnused) {
  manual_runtime rt;
  rt.run([](scope& s) {
    s.spawn([] {}).get();
    EXPECT_FALSE(holds_keys(s));
    const auto held = std::make_shared<int>(7);
    for (int i = 0; i < 1000; ++i) s.spawn_once("key " + std::to_string(i), [held] { return held; });
    EXPECT_GT(held.use_count(), 1000) << "the control: a thousand bodies hold it";
    s.sleep_for(1ms);
    EXPECT_TRUE(holds_keys(s));
    EXPECT_EQ(held.use_count(), 1) << "no task, so no value, is kept";
  });
}

TEST_F(SharedTask, AnswersThreadsAndScopesThatHaveClosed) {
  manual_runtime rt;
  std::optional<shared_task<std::string>> kept;
  rt.run([&](scope& s) { kept = s.spawn_once("k", [] { return std::string("value"); }); });
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) readers.emplace_back([&, mine = *kept] { EXPECT_EQ(mine.get(), "value"); });
  for (auto& r : readers) r.join();
}

TEST_F(SharedTask, HandsOutReferencesAndNothing) {
  manual_runtime rt;
  int there = 1;
  rt.run([&](scope& s) {
    const auto reference = s.spawn_once("r", [&]() -> int& { return there; });
    EXPECT_EQ(&reference.get(), &there);
    EXPECT_EQ(&reference.get(), &there);
    s.spawn_once("v", [] {}).get();
  });
}

// What one key may at most have: one live task. Random tasks under few keys, some of which fail or are cancelled.
TEST_F(SharedTask, NeverRunsTwoTasksUnderOneKey) {
  const auto seed = test::seed();
  std::mt19937_64 random(seed);
  manual_runtime rt;
  std::array<int, 5> live{};
  std::size_t asked = 0, ran = 0;
  rt.run([&](scope& s) {
    for (; asked < 2000; ++asked) {
      const auto key = random() % live.size();
      const auto takes = std::chrono::microseconds(random() % 50);
      const bool fails = random() % 4 == 0;
      const auto t = s.spawn_once(std::to_string(key), {.background = true}, [&, key, takes, fails](context& ctx) {
        ++ran;
        EXPECT_EQ(++live[key], 1) << "seed " << seed;
        ctx.defer([&, key](context& c) {
          c.sleep_for(5us);
          --live[key];
        });
        ctx.sleep_for(takes);
        if (fails) throw std::runtime_error("fails");
      });
      if (random() % 8 == 0) t.cancel("at random");
      s.sleep_for(std::chrono::microseconds(random() % 20));
    }
  });
  EXPECT_EQ(live, (std::array<int, 5>{}));
  EXPECT_GT(ran, 100u) << "seed " << seed;
  EXPECT_LT(ran, asked - 100) << "some have joined; seed " << seed;
}

using SharedTaskDeathTest = SharedTask;

TEST_F(SharedTaskDeathTest, RefusesWhatCannotBeBeforeAnythingRuns) {
  const auto in_scope = [](auto body) {
    manual_runtime rt;
    rt.run(body);
  };
  EXPECT_REFUSED(in_scope([](scope& s) { s.spawn_once("", [] {}); }),
                 "a key of spawn_once has 0 characters; it may have 1");
  EXPECT_REFUSED(in_scope([](scope& s) { s.spawn_once(std::string(513, 'k'), [] {}); }), "has 513 characters");
  EXPECT_DEATH(in_scope([](scope& s) { std::thread([&] { s.spawn_once("k", {.name = "load"}, [] {}); }).join(); }),
               "\"load\" was spawned under a key from another thread");
  in_scope([](scope& s) { s.spawn_once(std::string(512, 'k'), [] {}).get(); });
}

TEST_F(SharedTask, RefusesAnotherTypeOfValueUnderALiveKey) {
  manual_runtime rt;
  rt.run([](scope& s) {
    s.spawn_once("k", [] { return 1; }).get();
    EXPECT_EQ(s.spawn_once("k", [] { return std::string("free"); }).get(), "free") << "nothing lives there any more";
  });
  EXPECT_REFUSED(rt.run([](scope& s) {
    s.spawn_once("user:42", {.name = "load"}, [] { return 1; });
    s.spawn_once("user:42", [] { return 1.0; });
  }),
                 "the key \"user:42\" was asked for with another type of value than task \"load\" has");
}

}  // namespace
}  // namespace workit
