// The telemetry budget: events are dropped, work goes on.
#include <gtest/gtest.h>

#include <map>
#include <support/fixture.hpp>
#include <vector>
#include <workit/base/event.hpp>
#include <workit/scope/runtime.hpp>

namespace workit {
namespace {

using test::manual_runtime;

class TelemetryBudget : public test::runtime_test {
 protected:
  std::map<std::string, int> heard;
  std::vector<std::uint64_t> dropped;
  std::string last;
  auto counter() {
    return [this](const lifecycle_event& e) {
      last = kind_of(e);
      ++heard[last];
      if (const auto* closed = std::get_if<event::scope_closed>(&e.body)) dropped.push_back(closed->dropped_events);
      if (const auto* out = std::get_if<event::telemetry_exhausted>(&e.body)) {
        EXPECT_EQ(out->limit, 5);
      }
    };
  }
  int run(scope_options options) {
    manual_runtime rt;
    int done = 0;
    rt.run(std::move(options), [&](scope& s) {
      s.on_event(counter()).keep();
      for (int i = 0; i < 10; ++i)
        s.spawn([&](context& ctx) {
          ctx.report({.pct = 1});
          ++done;
        });
    });
    return done;
  }
};

TEST_F(TelemetryBudget, DropsEventsAndLetsTheWorkGoOn) {
  EXPECT_EQ(run({.budgets = {{telemetry_budget, 5}}}), 10);
  EXPECT_EQ(heard["task_started"] + heard["progress"] + heard["task_succeeded"], 5);
  EXPECT_EQ(heard["telemetry_exhausted"], 1);
  EXPECT_EQ(heard["scope_closed"], 1);
  EXPECT_EQ(last, "scope_closed");
  EXPECT_EQ(dropped, std::vector<std::uint64_t>{3 * 10 + 1 - 5}) << "of the tasks three each, and scope_closing";
}

TEST_F(TelemetryBudget, IsNoneByDefault) {
  EXPECT_EQ(run({}), 10);
  EXPECT_EQ(heard["task_started"] + heard["progress"] + heard["task_succeeded"], 30);
  EXPECT_EQ(heard["telemetry_exhausted"], 0);
  EXPECT_EQ(dropped, std::vector<std::uint64_t>{0});
}

TEST_F(TelemetryBudget, IsNotChargedWithoutListeners) {
  manual_runtime rt;
  rt.run({.budgets = {{telemetry_budget, 5}}}, [&](scope& s) {
    for (int i = 0; i < 10; ++i) s.report({.pct = 0.5});
    s.spawn([] {}).get();
    EXPECT_EQ(s.budget(telemetry_budget)->spent, 0);
    s.on_event(counter()).keep();
    s.report({.pct = 1});
    EXPECT_EQ(s.budget(telemetry_budget)->spent, 1);
  });
}

TEST_F(TelemetryBudget, OfAScopeRulesWhatIsBelowIt) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    s.on_event(counter()).keep();
    s.scope({.budgets = {{telemetry_budget, 5}}}, [&](scope& in) {
      in.scope([](scope& deep) {
        for (int i = 0; i < 20; ++i) deep.log(log_level::info, "line");
      });
    });
    s.log(log_level::info, "outside");
  });
  // Paid: scope_opened twice, then three lines. Dropped: 17 lines, scope_closing of both.
  EXPECT_EQ(heard["log"], 3 + 1);
  EXPECT_EQ(heard["scope_closed"], 3);
  EXPECT_EQ(dropped, (std::vector<std::uint64_t>{18, 19, 0}));
}

}  // namespace
}  // namespace workit
