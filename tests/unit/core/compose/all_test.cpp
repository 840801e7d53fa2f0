// all(): the first failure cancels and joins the others.
#include "branches.hpp"

#include <memory>
#include <set>
#include <support/refused.hpp>
#include <workit/base/event.hpp>
#include <workit/wait/manual_reset_event.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;
using test::sleeper;

class All : public test::runtime_test {};

TEST_F(All, ReturnsATupleInTheOrderGiven) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  auto got = rt.run(all(
      sleeper(2s, 1), [] { return std::string("two"); }, [] {},
      [](context& ctx) {
        ctx.sleep_for(1s);
        return std::make_unique<int>(4);
      }));
  EXPECT_EQ(std::get<0>(got), 1);
  EXPECT_EQ(std::get<1>(got), "two");
  static_assert(std::is_same_v<std::tuple_element_t<2, decltype(got)>, std::monostate>);
  EXPECT_EQ(*std::get<3>(got), 4);
  EXPECT_EQ(rt.clock.now(), start + 2s) << "they run at once, not one after the other";
}

TEST_F(All, ReturnsNothingWhenNoneReturnsAnything) {
  manual_runtime rt;
  int ran = 0;
  auto nothing = all([&] { ++ran; }, [&](context&) { ++ran; });
  static_assert(std::is_void_v<decltype(rt.run(std::move(nothing)))>);
  rt.run(std::move(nothing));
  std::vector<std::function<void()>> more(3, [&] { ++ran; });
  rt.run(all(std::move(more)));
  EXPECT_EQ(ran, 5);
}

TEST_F(All, KeepsReferences) {
  manual_runtime rt;
  int one = 1, two = 2;
  auto tuple = rt.run(all([&]() -> int& { return one; }, [&]() -> const int& { return two; }));
  EXPECT_EQ(&std::get<0>(tuple), &one);
  EXPECT_EQ(&std::get<1>(tuple), &two);
  const auto list = rt.run(all(std::vector<std::function<int&()>>{[&]() -> int& { return one; }}));
  EXPECT_EQ(&list[0].get(), &one);
}

TEST_F(All, ReturnsAVectorInTheOrderGiven) {
  manual_runtime rt;
  std::vector<std::function<bool(context&)>> parts;
  for (int i = 0; i < 100; ++i)
    parts.emplace_back([i](context& ctx) {
      ctx.sleep_for(std::chrono::seconds(100 - i));
      return i % 3 == 0;
    });
  const auto got = rt.run(all(std::move(parts)));
  ASSERT_EQ(got.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(got[static_cast<std::size_t>(i)], i % 3 == 0);
}

TEST_F(All, OfNoneReturnsAnEmptyVector) {
  manual_runtime rt;
  EXPECT_TRUE(rt.run(all(std::vector<std::function<int()>>{})).empty());
}

TEST_F(All, MayBeInvokedAgain) {
  manual_runtime rt;
  auto both = all([n = 0]() mutable { return ++n; }, [] { return 1; });
  rt.run([&](scope& s) {
    EXPECT_EQ(std::get<0>(both(s)), 1);
    EXPECT_EQ(std::get<0>(both(s)), 2);
  });
}

// A takes 50 ms, B fails at 30 ms, C takes 100 ms.
TEST_F(All, ThrowsTheFirstFailureItselfAfterTheOthersWereCancelledAndCleanedUp) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  const auto original = std::make_exception_ptr(std::runtime_error("B"));
  std::exception_ptr thrown;
  int cleaned = 0;
  std::vector<std::string> heard;
  const auto part = [&](duration takes) {
    return [&, takes](context& ctx) {
      ctx.defer([&](context& c) {
        c.sleep_for(1ms);
        ++cleaned;
      });
      try {
        ctx.sleep_for(takes);
      } catch (const cancelled& c) {
        heard.push_back(std::get<reason::sibling_failed>(c.why()).name);
        throw;
      }
    };
  };
  rt.run([&](scope& s) {
    try {
      all(
          part(50ms),
          [&](context& ctx) {
            ctx.sleep_for(30ms);
            std::rethrow_exception(original);
          },
          part(100ms))(s);
    } catch (...) {
      thrown = std::current_exception();
      EXPECT_EQ(cleaned, 2);
      EXPECT_EQ(s.now(), start + 31ms);
    }
    EXPECT_FALSE(s.stopping()) << "the failure of a composable is an error, its caller goes on";
  });
  EXPECT_EQ(thrown, original);
  EXPECT_EQ(heard, (std::vector<std::string>{"all[1]", "all[1]"}));
}

// The control arm of the test above: without `all` the siblings live to their ends.
TEST_F(All, IsWhatStopsTheSiblings) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  rt.run([&](scope& s) {
    s.spawn({.background = true}, sleeper(50ms, 1));
    s.spawn({.background = true}, test::failing(30ms, "B"));
    s.spawn({.background = true}, sleeper(100ms, 1));
  });
  EXPECT_EQ(rt.clock.now(), start + 100ms);
}

TEST_F(All, IsCancelledWithItsScope) {
  manual_runtime rt;
  std::string first, second;
  rt.run([&](scope& s) {
    auto t = s.spawn(all(sleeper(1h, 1, &first), sleeper(1h, 2, &second)));
    s.sleep_for(1s);
    t.cancel("enough");
    EXPECT_TRUE(t.result().is_cancelled());
  });
  EXPECT_EQ(first, "manual");
  EXPECT_EQ(second, "manual");
}

TEST_F(All, StartsNothingInAScopeThatIsStopping) {
  manual_runtime rt;
  int ran = 0;
  rt.run([&](scope& s) {
    s.cancel("before");
    EXPECT_EQ(kind_of(test::reason_of([&] { all([&] { ++ran; })(s); })), "manual");
  });
  EXPECT_EQ(ran, 0);
}

TEST_F(All, DeliversItsValuesWhenTheyWereCompleteBeforeTheCancellationWasSeen) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    s.spawn({.background = true}, [&](context& ctx) {
      const auto got = uncancellable(1min, all(
                                               [&] {
                                                 s.cancel("now");
                                                 return 1;
                                               },
                                               [] { return 2; }))(ctx);
      EXPECT_EQ(std::get<1>(got), 2);
      EXPECT_TRUE(ctx.stopping());
    });
  });
}

// The second end comes before the first was looked at: it must not be taken for a value that there is none of.
TEST_F(All, IsCancelledAlsoWhenTwoOfItsBranchesEndInOneTurn) {
  manual_runtime rt;
  manual_reset_event woken;
  bool answered = false;
  rt.run([&](scope& s) {
    auto t = s.spawn([&](context& ctx) {
      const auto got = all(
          [&] {
            woken.set();  // the other branch runs next, then all() itself
            s.cancel("now");
            return 1;
          },
          [&](context& own) {
            woken.wait();
            own.check();
            return 2;
          })(ctx);
      answered = std::get<1>(got) == 2;
    });
    EXPECT_TRUE(t.result().is_cancelled());
  });
  EXPECT_FALSE(answered);
}

TEST_F(All, ReportsASiblingThatDoesNotAnswerEachSecondAndWaitsForIt) {
  manual_runtime rt;
  test::event_log<event::loser_unresponsive> log;
  const auto start = rt.clock.now();
  rt.run([&](scope& s) {
    s.on_event(log.recorder(start)).keep();
    auto deaf = uncancellable(10s, [](context& ctx) { ctx.sleep_for(4500ms); });
    EXPECT_THROW(all({.grace = 2s}, std::move(deaf), test::failing(1s, "x"))(s), std::runtime_error);
    EXPECT_EQ(s.now(), start + 4500ms);
    s.sleep_for(10s);
  });
  ASSERT_EQ(log.entries.size(), 2u);
  EXPECT_EQ(log.entries[0].first, 3s);
  EXPECT_EQ(log.entries[0].second.waited, 2s);
  EXPECT_EQ(log.entries[1].first, 4s);
  EXPECT_EQ(log.names[0], "all[0]");
}

TEST_F(All, SaysNothingOfASiblingThatAnswersWithinItsGrace) {
  manual_runtime rt;
  test::event_log<event::loser_unresponsive> log;
  rt.run([&](scope& s) {
    s.on_event(log.recorder(s.now())).keep();
    auto slow = [](context& ctx) {
      ctx.defer([](context& c) { c.sleep_for(999ms); });
      ctx.sleep_for(1h);
    };
    EXPECT_THROW(all(std::move(slow), test::failing(1s, "x"))(s), std::runtime_error);
    s.sleep_for(10s);
  });
  EXPECT_TRUE(log.entries.empty());
}

TEST(AllOptions, RefusesAGraceOfNothing) {
  EXPECT_REFUSED((void)all({.grace = 0s}, [] {}), "all\\(\\): the grace of its losers has to be more than zero");
}

}  // namespace
}  // namespace workit
