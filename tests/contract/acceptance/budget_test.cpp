// Budgets count exactly, belong to the scope that was given them, and stop all below it when overrun.
#include "acceptance.hpp"

namespace workit::test {
namespace {

const budget_key cost("cost", {.unit = "EUR", .digits = 2});
const budget_key calls("calls");

void charge_far_below(context& ctx, int depth, amount how_much) {
  if (depth == 0) return ctx.consume(calls, how_much);
  ctx.scope([&](scope& s) { s.spawn([&](context& c) { charge_far_below(c, depth - 1, how_much); }).get(); });
}

class BudgetOverrun : public acceptance {};

TEST_P(BudgetOverrun, FiveScopesBelowCancelsTheOwnerAndEverythingUnderIt) {
  run_scenario([](scenario_fixture& fixture) {
    auto& slow = fixture.make_part();
    fixture.run([&](scope& top) {
      const auto owner = [&](scope& s) {
        s.spawn(slow.body());
        slow.await(s);
        charge_far_below(s, 5, 1);
        EXPECT_FALSE(s.stopping()) << "the control arm: a charge that fits stops nothing";
        charge_far_below(s, 5, 1);
      };
      EXPECT_THROW(top.scope({.budgets = {{calls, 1}}}, owner), budget_exceeded);
      fixture.returned();
      EXPECT_FALSE(top.stopping()) << "it is not the owner";
    });
    EXPECT_TRUE(heard_only<reason::budget>(slow));
    fixture.outlast();
  });
}

INSTANTIATE_TEST_SUITE_P(On, BudgetOverrun, every_boundary(), name_of);

class BudgetInAWorker : public acceptance {};

void charge_here(context& ctx, int how_often) {
  for (int i = 0; i < how_often; ++i) ctx.consume({{calls, 1}, {cost, 0.25}});
}

// What a loop in one worker charges stops another one, which knows of no budget.
TEST_P(BudgetInAWorker, AChargeInsideItIsTheHostsAndAnOverrunStopsItsSiblings) {
  run_scenario(
      [](scenario_fixture& fixture) {
        auto& slow = fixture.make_part();
        fixture.run([&](scope& top) {
          const auto owner = [&](scope& s) {
            s.spawn(slow.body());
            slow.await(s);
            offload({}, charge_here, 4)(s);
            EXPECT_EQ(s.budget(calls)->spent, 4);
            EXPECT_EQ(s.budget(cost)->spent, 1);
            const auto seen = offload({}, [](context& ctx) { return to_string(ctx.budget(cost)->spent); })(s);
            EXPECT_EQ(seen, "1.00") << "the worker sees what is left here";
            EXPECT_FALSE(s.stopping()) << "the control arm: a charge that fits stops nothing";
            offload({}, charge_here, 3)(s);
          };
          EXPECT_THROW(top.scope({.budgets = {{calls, 100}, {cost, 1.5}}}, owner), budget_exceeded);
          fixture.returned();
          EXPECT_FALSE(top.stopping()) << "it is not the owner";
        });
        EXPECT_TRUE(heard_only<reason::budget>(slow));
        fixture.outlast();
      },
      {.workers = 2, .spares = 1});
}

TEST_P(BudgetInAWorker, AMissingBudgetIsNamed) {
  run_scenario([](scenario_fixture& fixture) {
    fixture.run([](scope& s) {
      try {
        offload({}, charge_here, 1)(s);
        ADD_FAILURE();
      } catch (const remote_error& e) {
        EXPECT_EQ(e.type(), "workit::budget_not_set");
      }
      EXPECT_EQ(offload({}, [](context& ctx) { return ctx.budget(calls).has_value(); })(s), false);
    });
  });
}

INSTANTIATE_TEST_SUITE_P(On, BudgetInAWorker, by_workers(), name_of);

class BudgetOfAScope : public acceptance {};

TEST_P(BudgetOfAScope, AHundredHundredthsAreOneAndNotAHundredthMore) {
  run_scenario([](scenario_fixture& fixture) {
    fixture.run([](scope& top) {
      EXPECT_THROW(top.scope({.budgets = {{cost, 1}}},
                             [](scope& s) {
                               for (int i = 0; i < 100; ++i)
                                 s.spawn([](context& ctx) { ctx.consume(cost, 0.01); }).get();
                               EXPECT_EQ(s.budget(cost)->spent, 1);
                               s.consume(cost, 0.01);
                             }),
                   budget_exceeded);
    });
  });
  double sum = 0;
  for (int i = 0; i < 100; ++i) sum += 0.01;
  EXPECT_NE(sum, 1.0) << "the control arm: doubles do not";
}

TEST_P(BudgetOfAScope, ChargesSeveralKeysOrNone) {
  run_scenario([](scenario_fixture& fixture) {
    fixture.run([](scope& top) {
      EXPECT_THROW(top.scope({.budgets = {{cost, 100}, {calls, 1}}},
                             [](scope& s) {
                               s.consume({{cost, 40}, {calls, 1}});
                               EXPECT_THROW(s.consume({{cost, 40}, {calls, 1}}), budget_exceeded);
                               EXPECT_EQ(s.budget(cost)->spent, 40) << "it paid for a call that it did not get";
                               EXPECT_EQ(s.budget(calls)->spent, 1);
                               s.check();
                             }),
                   budget_exceeded);
    });
  });
}

TEST_P(BudgetOfAScope, LeavesWhatItsCallerGaveAsItWas) {
  run_scenario([](scenario_fixture& fixture) {
    fixture.run([](scope& top) {
      const scope_options given{.budgets = {{calls, 10, 3}}};
      top.scope(given, [](scope& s) {
        s.consume(calls, 5);
        EXPECT_EQ(s.budget(calls)->spent, 8);
        auto copy = s.budgets();
        copy.at(0).spent = 0;
        EXPECT_EQ(s.budget(calls)->spent, 8);
      });
      EXPECT_EQ(given.budgets.at(0).limit, 10);
      EXPECT_EQ(given.budgets.at(0).spent, 3);
    });
  });
}

TEST_P(BudgetOfAScope, TellsItsUnitAndItsState) {
  run_scenario([](scenario_fixture& fixture) {
    fixture.run([](scope& top) {
      top.scope({.budgets = {{cost, 2}, {calls, 10}}}, [](scope& s) {
        s.consume(cost, 0.25);
        const auto state = s.budget(cost);
        ASSERT_TRUE(state);
        EXPECT_EQ(state->key->unit(), "EUR");
        EXPECT_EQ(state->limit, 2);
        EXPECT_EQ(state->spent, 0.25);
        EXPECT_EQ(s.budget(calls)->key->unit(), "") << "a bare number";
      });
      EXPECT_FALSE(top.budget(cost));
    });
  });
}

INSTANTIATE_TEST_SUITE_P(On, BudgetOfAScope, on_manual_clock(), name_of);

}  // namespace
}  // namespace workit::test
