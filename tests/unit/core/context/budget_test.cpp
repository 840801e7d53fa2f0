// Budgets: charges, overruns and their owners.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <support/fixture.hpp>
#include <support/refused.hpp>
#include <vector>
#include <workit/scope/runtime.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

const budget_key tokens("tokens", {.unit = "tok"});
const budget_key calls("calls");
const budget_key cost("cost", {.unit = "EUR", .digits = 2});

amount spent(const context& ctx, const budget_key& key) { return ctx.budget(key)->spent; }

class Budget : public test::runtime_test {};
using BudgetDeathTest = Budget;

TEST_F(Budget, CountsHundredthsExactly) {
  manual_runtime rt;
  rt.run({.budgets = {{cost, 1}}}, [](scope& s) {
    for (int i = 0; i < 100; ++i) s.consume(cost, 0.01);
    EXPECT_EQ(spent(s, cost), 1) << "to the limit is allowed";
    EXPECT_EQ(to_string(spent(s, cost)), "1.00");
    s.consume(cost, 0);
    EXPECT_THROW(s.consume(cost, 0.01), budget_exceeded) << "the control arm: a hundred and one do not fit";
  });
}

TEST_F(Budget, GoesOnAboveEverythingBelowIt) {
  manual_runtime rt;
  rt.run({.budgets = {{tokens, 50}}}, [](scope& s) {
    s.spawn([](context& ctx) { ctx.scope([](scope& in) { in.consume(tokens, 25); }); }).get();
    s.spawn([](context& ctx) { ctx.consume(tokens, 25); }).get();
    EXPECT_EQ(spent(s, tokens), 50);
  });
}

TEST_F(Budget, OverrunByADescendantAtDepthFiveCancelsItsOwner) {
  manual_runtime rt;
  std::vector<std::string> stopped;
  bool owner_was_told = false;
  const auto deepest = [](context& ctx) {
    ctx.consume(tokens, 8);
    ctx.consume(tokens, 3);
  };
  EXPECT_THROW(rt.run({.name = "owner", .budgets = {{tokens, 10}}},
                      [&](scope& s0) {
                        s0.on_cancel([&](const cancel_reason& why) {
                            const auto* overrun = std::get_if<reason::budget>(&why);
                            ASSERT_NE(overrun, nullptr) << describe(why);
                            EXPECT_EQ(overrun->key, "tokens");
                            EXPECT_EQ(overrun->limit, 10);
                            EXPECT_EQ(overrun->spent, 11);
                            owner_was_told = true;
                          }).keep();
                        s0.spawn([&](context& ctx) {
                          ctx.defer([&] { stopped.emplace_back("sibling"); });
                          ctx.sleep_for(1h);
                        });
                        s0.yield();
                        s0.scope([&](scope& s1) {
                          s1.scope([&](scope& s2) {
                            s2.scope([&](scope& s3) { s3.scope([&](scope& s4) { s4.spawn(deepest).get(); }); });
                          });
                        });
                      }),
               budget_exceeded);
  EXPECT_TRUE(owner_was_told);
  EXPECT_EQ(stopped, (std::vector<std::string>{"sibling"}));
}

TEST_F(Budget, OverrunStopsTheOwnerAndNothingAbove) {
  manual_runtime rt;
  rt.run([](scope& s) {
    auto beside = s.spawn([](context& ctx) {
      ctx.sleep_for(1h);
      return 6;
    });
    EXPECT_THROW(s.scope({.budgets = {{tokens, 1}}}, [](scope& in) { in.consume(tokens, 2); }), budget_exceeded);
    EXPECT_EQ(beside.get(), 6);
  });
}

TEST_F(Budget, OverrunIsAnErrorThatSaysAll) {
  manual_runtime rt;
  rt.run({.budgets = {{tokens, 50}}}, [](scope& s) {
    s.consume(tokens, 25);
    try {
      s.consume(tokens, 50);
      FAIL() << "50 more than 25 fit into 50";
    } catch (const budget_exceeded& e) {
      EXPECT_STREQ(e.what(), "budget \"tokens\" allows 50 tok; a charge of 50 would make it 75");
      EXPECT_EQ(e.key(), "tokens");
      EXPECT_EQ(e.unit(), "tok");
      EXPECT_EQ(e.limit(), 50);
      EXPECT_EQ(e.spent(), 75);
      EXPECT_EQ(e.attempted(), 50);
    }
    EXPECT_TRUE(s.stopping());
    EXPECT_EQ(spent(s, tokens), 25) << "a refused charge changes nothing";
    s.consume(tokens, 25);
    EXPECT_EQ(spent(s, tokens), 50) << "what fits still lands";
  });
}

// The task that overran swallows the error: the opener of the owner gets it all the same, as with a deadline.
TEST_F(Budget, OverrunThatWasSwallowedReachesTheOpenerOfTheOwner) {
  manual_runtime rt;
  try {
    rt.run({.budgets = {{tokens, 1}}}, [](scope& s) {
      s.spawn({.background = true}, [](context& ctx) { ctx.consume(tokens, 2); });
      s.sleep_for(1h);
    });
    FAIL() << "the owner went on";
  } catch (const budget_exceeded& e) {
    EXPECT_EQ(e.spent(), 2);
  }
}

TEST_F(Budget, OverrunMakesTheOutcomeErrored) {
  manual_runtime rt;
  std::optional<scope_receipt> receipt;
  EXPECT_THROW(rt.run({.budgets = {{tokens, 1}}, .on_receipt = [&](const scope_receipt& r) { receipt = r; }},
                      [](scope& s) { s.consume(tokens, 2); }),
               budget_exceeded);
  rt.rt.shutdown();
  ASSERT_TRUE(receipt.has_value());
  EXPECT_EQ(receipt->outcome, scope_outcome::errored);
  EXPECT_EQ(kind_of(*receipt->why), "budget");
}

TEST_F(Budget, OfAnEnormousChargeDoesNotWrapRound) {
  manual_runtime rt;
  static constexpr auto most = std::numeric_limits<std::int64_t>::max();
  rt.run({.budgets = {{calls, most}}}, [](scope& s) {
    s.consume(calls, most);
    EXPECT_EQ(spent(s, calls), most);
    EXPECT_THROW(s.consume(calls, most), budget_exceeded);
    EXPECT_THROW(s.consume({{calls, most}, {calls, most}}), invalid_amount);
    EXPECT_EQ(spent(s, calls), most);
  });
}

TEST_F(Budget, ThatIsNotSetIsATypedError) {
  manual_runtime rt;
  rt.run({.name = "page", .budgets = {{tokens, 1}}}, [](scope& s) {
    EXPECT_THROW(s.consume(calls, 1), budget_not_set);
    EXPECT_THROW(s.consume({{tokens, 1}, {calls, 1}}), budget_not_set);
    EXPECT_EQ(spent(s, tokens), 0) << "all or nothing";
    EXPECT_FALSE(s.budget(calls).has_value());
    EXPECT_FALSE(s.stopping()) << "no budget was overrun";
  });
  rt.run([](scope& s) {
    EXPECT_THROW(s.consume(tokens, 1), budget_not_set);
    EXPECT_THROW(s.consume({{tokens, 1}}), budget_not_set);
    EXPECT_TRUE(s.budgets().empty());
    EXPECT_FALSE(s.budget(tokens).has_value());
  });
}

TEST_F(Budget, RefusesAmountsThatItCannotCount) {
  manual_runtime rt;
  rt.run({.budgets = {{tokens, 10}, {cost, 1}}}, [](scope& s) {
    for (const double bad : {-1.0, -0.01, std::nan(""), std::numeric_limits<double>::infinity(), 0.015, 0.1 + 0.2})
      EXPECT_THROW(s.consume(cost, bad), invalid_amount) << bad;
    EXPECT_THROW(s.consume(tokens, 0.5), invalid_amount);
    EXPECT_THROW(s.consume({{tokens, 1}, {cost, 0.001}}), invalid_amount);
    EXPECT_EQ(spent(s, tokens), 0);
    EXPECT_EQ(spent(s, cost), 0);
    EXPECT_FALSE(s.stopping());
  });
  EXPECT_THROW(rt.run({.budgets = {{cost, 0.001}}}, [](scope&) { FAIL() << "the body ran"; }), invalid_amount);
}

TEST_F(Budget, OfAChildShadowsThatOfItsParent) {
  manual_runtime rt;
  rt.run({.budgets = {{tokens, 10}, {calls, 10}}}, [](scope& s) {
    s.consume(tokens, 4);
    s.scope({.budgets = {{tokens, 100}}}, [](scope& in) {
      in.consume(tokens, 60);
      in.consume(calls, 1);
      EXPECT_EQ(spent(in, tokens), 60);
    });
    EXPECT_EQ(spent(s, tokens), 4);
    EXPECT_EQ(spent(s, calls), 1) << "the control arm: this one it shares";
  });
}

TEST_F(Budget, ChargesSeveralKeysOrNone) {
  manual_runtime rt;
  rt.run({.budgets = {{tokens, 100}, {calls, 1}}}, [](scope& s) {
    s.consume({{tokens, 40}, {calls, 1}});
    EXPECT_EQ(spent(s, tokens), 40);
    EXPECT_EQ(spent(s, calls), 1);
    try {
      s.consume({{tokens, 40}, {calls, 1}});
      FAIL() << "a second call fits into a budget of one";
    } catch (const budget_exceeded& e) {
      EXPECT_EQ(e.key(), "calls");
    }
    EXPECT_EQ(spent(s, tokens), 40) << "the refused tool has not paid its tokens";
    EXPECT_EQ(spent(s, calls), 1);
    s.consume({{tokens, 1}, {tokens, 2}});
    EXPECT_EQ(spent(s, tokens), 43) << "one key twice is their sum";
    s.consume(std::initializer_list<charge>{});
  });
}

TEST_F(Budget, OverrunAmongSeveralCancelsTheOwnerOfTheOneThatDidNotFit) {
  manual_runtime rt;
  rt.run({.budgets = {{tokens, 100}}}, [](scope& s) {
    EXPECT_THROW(s.scope({.budgets = {{calls, 1}}},
                         [](scope& in) {
                           in.consume({{tokens, 40}, {calls, 2}});
                         }),
                 budget_exceeded);
    EXPECT_FALSE(s.stopping());
    EXPECT_EQ(spent(s, tokens), 0);
  });
}

TEST_F(Budget, SnapshotsAreCopiesOfAllThatIsVisible) {
  manual_runtime rt;
  const std::vector<budget_limit> given{{cost, 2.5, 0.5}, {tokens, 10}};
  rt.run({.budgets = given}, [&](scope& s) {
    auto before = s.budgets();
    s.consume(tokens, 3);
    ASSERT_EQ(before.size(), 2U);
    EXPECT_EQ(before[0].key, &tokens) << "the oldest key first";
    EXPECT_EQ(before[1].key, &cost);
    EXPECT_EQ(before[0].spent, 0) << "a copy";
    EXPECT_EQ(before[1].limit, 2.5);
    EXPECT_EQ(before[1].spent, 0.5);
    before[0].limit = 1000;
    EXPECT_EQ(s.budget(tokens)->limit, 10);
    EXPECT_EQ(spent(s, tokens), 3);
    s.scope({.budgets = {{calls, 1}}}, [](scope& in) { EXPECT_EQ(in.budgets().size(), 3U); });
  });
  rt.run({.budgets = given}, [](scope& s) { EXPECT_EQ(spent(s, tokens), 0) << "what was given is not changed"; });
  EXPECT_EQ(given[1].spent, 0);
}

TEST_F(Budget, IsNoCancelPoint) {
  manual_runtime rt;
  rt.run({.budgets = {{tokens, 10}}}, [](scope& s) {
    s.cancel("stop");
    s.consume(tokens, 1);
    EXPECT_EQ(spent(s, tokens), 1);
  });
}

TEST_F(Budget, LastsUntilTheCleanupsHaveRun) {
  manual_runtime rt;
  amount at_the_end;
  rt.run({.budgets = {{tokens, 10}}}, [&](scope& s) {
    s.defer([&](context& ctx) {
      ctx.consume(tokens, 2);
      at_the_end = spent(ctx, tokens);
    });
    s.consume(tokens, 1);
  });
  EXPECT_EQ(at_the_end, 3);
}

TEST_F(BudgetDeathTest, IsGivenOnceAndWithNoMoreSpentThanAllowed) {
  EXPECT_REFUSED(
      {
        manual_runtime rt;
        rt.run({.budgets = {{tokens, 1}, {tokens, 2}}}, [](scope&) {});
      },
      "a scope is given two budgets of \"tokens\": it may have one of a key");
  EXPECT_REFUSED(
      {
        manual_runtime rt;
        rt.run({.budgets = {{cost, 1, 1.01}}}, [](scope&) {});
      },
      "budget \"cost\" is given with 1.01 spent; it may be up to its limit of 1");
}

}  // namespace
}  // namespace workit
