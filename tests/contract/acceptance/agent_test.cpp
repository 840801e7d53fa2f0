// The calls of an agent's tools are recorded, paid for, and stopped with it.
#include <workit/agent/agent.hpp>

#include "acceptance.hpp"

namespace workit::test {
namespace {

class AgentTools : public acceptance {
 protected:
  using entries = std::vector<std::string>;

  static entries words(const agent_log& log) {
    entries all;
    for (const auto& e : log.all())
      all.push_back(std::string(to_string(e.what)) + (e.tool.empty() ? "" : ' ' + e.tool));
    return all;
  }
  static void expect_whole(const agent_log& log) {
    const auto all = log.all();
    for (std::size_t i = 0; i < all.size(); ++i) {
      EXPECT_EQ(all[i].seq, i + 1);
      EXPECT_EQ(all[i].agent, all[0].agent);
      if (i > 0) {
        EXPECT_GE(all[i].at, all[i - 1].at);
      }
    }
  }
  /// A tool that adds at the boundary of the fixture.
  static std::function<int(context&)> adds(const scenario_fixture& fixture, int a, int b) {
    if (fixture.is_fiber()) return [a, b](context&) { return a + b; };
    return offload(
        fixture.here(), [](int x, int y) { return x + y; }, a, b);
  }
};

TEST_P(AgentTools, RecordsItsToolsWithNumbersThatHaveNoGap) {
  run_scenario([](scenario_fixture& fixture) {
    const agent_log one, three;
    fixture.run([&](scope& top) {
      EXPECT_EQ(
          agent_scope({.log = one},
                      [&](scope& s, const agent& a) { return a.tool({.name = "add"}, adds(fixture, 4, 5))(s); })(top),
          9);
      agent_scope({.log = three}, [&](scope& s, const agent& a) {
        for (const auto* name : {"first", "second", "third"}) a.tool({.name = name}, adds(fixture, 1, 2))(s);
      })(top);
    });
    EXPECT_EQ(words(one), (entries{"started", "tool_started add", "tool_succeeded add", "completed"}));
    expect_whole(one);
    EXPECT_EQ(words(three),
              (entries{"started", "tool_started first", "tool_succeeded first", "tool_started second",
                       "tool_succeeded second", "tool_started third", "tool_succeeded third", "completed"}));
    expect_whole(three);
  });
}

TEST_P(AgentTools, RefusesTheCallThatItsBudgetHasNoRoomForBeforeItBegins) {
  run_scenario([](scenario_fixture& fixture) {
    const agent_log log;
    int bodies = 0;
    fixture.run([&](scope& top) {
      try {
        agent_scope({.budgets = {{agent_tool_calls, 1}}, .log = log}, [&](scope& s, const agent& a) {
          const auto counted = [&](context& ctx) {
            ++bodies;
            return adds(fixture, 1, 2)(ctx);
          };
          EXPECT_EQ(a.tool({.name = "first"}, counted)(s), 3) << "the control arm: what fits is called";
          a.tool({.name = "second"}, counted)(s);
        })(top);
        ADD_FAILURE() << "it called more tools than it may";
      } catch (const budget_exceeded& e) {
        EXPECT_EQ(e.key(), "AgentToolCalls");
      }
      EXPECT_FALSE(top.stopping()) << "it is not the owner";
    });
    EXPECT_EQ(bodies, 1);
    EXPECT_EQ(words(log),
              (entries{"started", "tool_started first", "tool_succeeded first", "tool_refused second", "failed"}));
    expect_whole(log);
  });
}

TEST_P(AgentTools, ChargesTheTokensOfItsTools) {
  run_scenario([](scenario_fixture& fixture) {
    fixture.run([&](scope& top) {
      top.scope({.budgets = {{agent_tokens, 100}}}, [&](scope& owner) {
        agent_scope({}, [&](scope& s, const agent& a) {
          a.tool({.tokens = 50}, adds(fixture, 1, 2))(s);
          a.tool({.tokens = 25}, adds(fixture, 1, 2))(s);
        })(owner);
        EXPECT_EQ(owner.budget(agent_tokens)->spent, 75);
      });
    });
  });
}

TEST_P(AgentTools, CancelledItEndsItsToolAndSaysHowAndWhy) {
  run_scenario([](scenario_fixture& fixture) {
    auto& slow = fixture.make_part();
    const agent_log log;
    fixture.run([&](scope& s) {
      auto t = s.spawn({.background = true}, agent_scope({.log = log}, [&](scope& in, const agent& a) {
                         return a.tool({.name = "search"}, slow.body())(in);
                       }));
      slow.await(s);
      t.cancel("user-stop");
      const auto ended = t.result();
      fixture.returned();
      ASSERT_TRUE(ended.is_cancelled());
      EXPECT_EQ(describe(ended.why()), "manual: user-stop");
    });
    const bool hard = fixture.where() == boundary::process || fixture.where() == boundary::thread;
    EXPECT_EQ(words(log), (entries{"started", "tool_started search",
                                   hard ? "tool_killed search" : "tool_cancelled search", "cancelled"}));
    expect_whole(log);
    const auto end = log.all().at(2);
    EXPECT_EQ(describe(end.why.value()), "manual: user-stop");
    if (!fixture.is_fiber()) {
      ASSERT_TRUE(end.stop);
      EXPECT_EQ(end.stop->method, stop_method_at(fixture.where()));
      EXPECT_NE(end.stop->proof, stop_proof::none);
      EXPECT_EQ(describe(end.stop->why), "manual: user-stop");
      EXPECT_LE(slow.last_moved(), end.stop->stopped);
    }
    fixture.outlast();
  });
}

TEST_P(AgentTools, ControlArmAToolThatIsNotStoppedSucceeds) {
  run_scenario([](scenario_fixture& fixture) {
    auto& slow = fixture.make_part();
    const agent_log log;
    fixture.run([&](scope& s) {
      auto t = s.spawn(agent_scope(
          {.log = log}, [&](scope& in, const agent& a) { return a.tool({.name = "search"}, slow.body())(in); }));
      slow.await(s);
      fixture.let_out();
      EXPECT_EQ(t.get(), 42);
    });
    EXPECT_EQ(words(log), (entries{"started", "tool_started search", "tool_succeeded search", "completed"}));
  });
}

INSTANTIATE_TEST_SUITE_P(On, AgentTools, every_boundary(), name_of);

}  // namespace
}  // namespace workit::test
