// agent_scope: tool calls are charged, recorded and stopped with the agent.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <support/fixture.hpp>
#include <support/refused.hpp>
#include <support/seed.hpp>
#include <workit/agent/agent.hpp>
#include <workit/base/event.hpp>
#include <workit/compose/all_settled.hpp>
#include <workit/compose/retry.hpp>
#include <workit/compose/timeout.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;
using entries = std::vector<std::string>;

entries words(const agent_log& log) {
  entries all;
  for (const auto& e : log.all()) all.push_back(std::string(to_string(e.what)) + (e.tool.empty() ? "" : ' ' + e.tool));
  return all;
}

auto returns(int value) {
  return [value](context& ctx) {
    ctx.sleep_for(1ms);
    return value;
  };
}

class Agent : public test::runtime_test {
 protected:
  agent_log log;
};

TEST_F(Agent, WritesItsStepsDownInOrder) {
  manual_runtime rt;
  work_id id = 0;
  const auto answer = rt.run(agent_scope({.name = "adder", .log = log}, [&](scope& s, const agent& a) {
    id = s.id();
    return a.tool({.name = "add"}, returns(9))(s);
  }));
  EXPECT_EQ(answer, 9);
  EXPECT_EQ(words(log), (entries{"started", "tool_started add", "tool_succeeded add", "completed"}));
  time_point last{};
  std::uint64_t seq = 0;
  for (const auto& e : log.all()) {
    EXPECT_EQ(e.seq, ++seq);
    EXPECT_EQ(e.agent, id);
    EXPECT_GE(e.at, last);
    last = e.at;
  }
  EXPECT_EQ(log.all()[1].call, log.all()[2].call);
  EXPECT_NE(log.all()[1].call, 0u);
  EXPECT_EQ(log.all()[2].took, 1ms);
}

TEST_F(Agent, IsAnotherOneEachTimeItIsCalled) {
  manual_runtime rt;
  auto once = agent_scope({.log = log}, [](scope& s, const agent& a) { return a.tool({}, returns(1))(s); });
  rt.run(retry({.times = 2, .initial_delay = 1ms}, [&](context& ctx) {
    once(ctx);
    if (ctx.attempt() == 1) throw std::runtime_error("once more");
  }));
  const auto all = log.all();
  ASSERT_EQ(all.size(), 8u);
  EXPECT_EQ(all[3].seq, 4u);
  EXPECT_EQ(all[4].seq, 1u);
  EXPECT_NE(all[4].agent, all[3].agent);
}

TEST_F(Agent, ToolsThatRunAtOnceShareOneCount) {
  manual_runtime rt;
  rt.run(agent_scope({.log = log}, [](scope& s, const agent& a) {
    const auto lasts = [](duration d) { return [d](context& ctx) { ctx.sleep_for(d); }; };
    all_settled(a.tool({.name = "slow"}, lasts(2s)), a.tool({.name = "fast"}, lasts(1s)))(s);
  }));
  EXPECT_EQ(words(log), (entries{"started", "tool_started slow", "tool_started fast", "tool_succeeded fast",
                                 "tool_succeeded slow", "completed"}));
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(log.all()[i].seq, i + 1);
}

TEST_F(Agent, ChargesACallBeforeItBeginsAllOrNothing) {
  manual_runtime rt;
  int bodies = 0;
  const auto body = [&](scope& s, const agent& a) {
    auto search = a.tool({.name = "search", .tokens = 40}, [&](context&) { ++bodies; });
    search(s);
    EXPECT_EQ(s.budget(agent_tokens)->spent, 40);
    EXPECT_EQ(s.budget(agent_tool_calls)->spent, 1);
    search(s);
    ADD_FAILURE() << "a call that the budget has no room for";
  };
  try {
    rt.run(agent_scope({.budgets = {{agent_tool_calls, 1}, {agent_tokens, 1000}}, .log = log},
                       [&](scope& s, const agent& a) {
                         try {
                           body(s, a);
                         } catch (const budget_exceeded&) {
                           EXPECT_EQ(s.budget(agent_tokens)->spent, 40) << "it paid for a call that it did not get";
                           throw;
                         }
                       }));
    ADD_FAILURE();
  } catch (const budget_exceeded& e) {
    EXPECT_EQ(e.key(), "AgentToolCalls");
    EXPECT_EQ(e.spent(), 2);
  }
  EXPECT_EQ(bodies, 1);
  EXPECT_EQ(words(log),
            (entries{"started", "tool_started search", "tool_succeeded search", "tool_refused search", "failed"}));
  EXPECT_NE(log.all()[3].error.value().what.find("AgentToolCalls"), std::string::npos);
  EXPECT_EQ(log.all()[3].call, 0u);
}

TEST_F(Agent, ChargesWhatItIsToldFromBudgetsFurtherUp) {
  static const budget_key cost("cost", {.unit = "EUR", .digits = 4});
  manual_runtime rt;
  rt.run({.budgets = {{agent_tokens, 100}, {cost, 1}}}, [&](scope& top) {
    agent_scope({}, [](scope& s, const agent& a) {
      a.tool({.tokens = 50}, returns(1))(s);
      a.tool({.calls = 0, .tokens = 25, .charges = {{cost, 0.0125}}}, returns(1))(s);
    })(top);
    EXPECT_EQ(top.budget(agent_tokens)->spent, 75);
    EXPECT_EQ(top.budget(cost)->spent, 0.0125);
    EXPECT_FALSE(top.budget(agent_tool_calls)) << "where calls have no limit, none is charged";
  });
  EXPECT_THROW(
      rt.run(agent_scope({.log = log}, [](scope& s, const agent& a) { a.tool({.tokens = 1}, returns(1))(s); })),
      budget_not_set);
  EXPECT_EQ(words(log), (entries{"started", "tool_refused tool", "failed"}));
}

TEST_F(Agent, PaysForEachAttemptOrOnce) {
  manual_runtime rt;
  rt.run(agent_scope({.budgets = {{agent_tool_calls, 10}}, .log = log}, [](scope& s, const agent& a) {
    int tries = 0;
    auto second_time = [&tries](context&) {
      if (++tries % 2 == 1) throw std::runtime_error("not yet");
    };
    retry({.times = 2, .initial_delay = 1ms}, a.tool({.name = "each"}, second_time))(s);
    EXPECT_EQ(s.budget(agent_tool_calls)->spent, 2);
    a.tool({.name = "once"}, retry({.times = 2, .initial_delay = 1ms}, second_time))(s);
    EXPECT_EQ(s.budget(agent_tool_calls)->spent, 3);
  }));
  EXPECT_EQ(words(log), (entries{"started", "tool_started each", "tool_failed each", "tool_started each",
                                 "tool_succeeded each", "tool_started once", "tool_succeeded once", "completed"}));
}

TEST_F(Agent, AFailedToolIsItsCallersAlone) {
  manual_runtime rt;
  const auto boom = std::make_exception_ptr(std::out_of_range("boom"));
  EXPECT_EQ(rt.run(agent_scope({.log = log},
                               [&](scope& s, const agent& a) {
                                 auto other = s.spawn(a.tool({.name = "other"}, returns(3)));
                                 try {
                                   a.tool({.name = "fails"}, [&](context&) { std::rethrow_exception(boom); })(s);
                                   ADD_FAILURE() << "the failure was lost";
                                 } catch (const std::out_of_range&) {
                                   EXPECT_EQ(std::current_exception(), boom) << "the very object";
                                 }
                                 EXPECT_FALSE(s.stopping());
                                 return other.get();
                               })),
            3);
  EXPECT_EQ(words(log), (entries{"started", "tool_started fails", "tool_started other", "tool_failed fails",
                                 "tool_succeeded other", "completed"}));
  EXPECT_EQ(log.all()[3].error.value().what, "boom");
}

TEST_F(Agent, StoppedItTellsTheToolsEndAndItsOwn) {
  manual_runtime rt;
  std::string heard;
  int cleaned = 0;
  EXPECT_THROW(rt.run([&](scope& top) {
    auto t = top.spawn(agent_scope({.log = log}, [&](scope& s, const agent& a) {
      a.tool({.name = "slow"}, [&](context& ctx) {
        ctx.defer([&](context& c) {
          c.sleep_for(1s);
          ++cleaned;
        });
        try {
          ctx.sleep_for(1h);
        } catch (const cancelled& c) {
          heard = describe(c.why());
          throw;
        }
      })(s);
    }));
    top.sleep_for(10ms);
    top.cancel("user-stop");
    t.wait();
  }),
               scope_cancelled);
  EXPECT_EQ(heard, "manual: user-stop");
  EXPECT_EQ(cleaned, 1);
  EXPECT_EQ(words(log), (entries{"started", "tool_started slow", "tool_cancelled slow", "cancelled"}));
  EXPECT_EQ(describe(log.all()[2].why.value()), "manual: user-stop");
  EXPECT_EQ(log.all()[2].took, 1s + 10ms) << "with its cleanups";
  EXPECT_EQ(describe(log.all()[3].why.value()), "manual: user-stop");
}

TEST_F(Agent, ItsOwnDeadlineIsAFailure) {
  manual_runtime rt;
  EXPECT_THROW(rt.run(agent_scope({.deadline = 1s, .log = log},
                                  [](scope& s, const agent& a) {
                                    a.tool({.name = "slow"}, [](context& ctx) { ctx.sleep_for(1h); })(s);
                                  })),
               timed_out);
  EXPECT_EQ(words(log), (entries{"started", "tool_started slow", "tool_cancelled slow", "failed"}));
  EXPECT_EQ(kind_of(log.all()[2].why.value()), "deadline");
}

TEST_F(Agent, ATimeLimitAroundAToolStopsThatAlone) {
  manual_runtime rt;
  rt.run(agent_scope({.log = log}, [](scope& s, const agent& a) {
    EXPECT_THROW(timeout(5ms, a.tool({.name = "slow"}, [](context& ctx) { ctx.sleep_for(1h); }))(s), timed_out);
    a.tool({.name = "next"}, returns(1))(s);
  }));
  EXPECT_EQ(words(log), (entries{"started", "tool_started slow", "tool_cancelled slow", "tool_started next",
                                 "tool_succeeded next", "completed"}));
  EXPECT_EQ(kind_of(log.all()[2].why.value()), "timeout");
}

TEST_F(Agent, InAScopeThatIsStoppingDoesNotBegin) {
  manual_runtime rt;
  EXPECT_THROW(rt.run([&](scope& s) {
    s.cancel("enough");
    agent_scope({.log = log}, [](scope&, const agent&) { ADD_FAILURE(); })(s);
  }),
               scope_cancelled);
  EXPECT_TRUE(log.all().empty());
}

TEST_F(Agent, FailsWithTheVeryErrorOfItsBody) {
  manual_runtime rt;
  const auto boom = std::make_exception_ptr(std::out_of_range("boom"));
  try {
    rt.run(agent_scope({.log = log}, [&](scope&, const agent&) { std::rethrow_exception(boom); }));
    ADD_FAILURE() << "the failure was lost";
  } catch (const std::out_of_range&) {
    EXPECT_EQ(std::current_exception(), boom);
  }
  EXPECT_EQ(words(log), (entries{"started", "failed"}));
  EXPECT_EQ(log.all()[1].error.value().what, "boom");
}

// The boundary's stop receipt tells a kill from a task's own end; here it is faked, in AgentTools it is real.
TEST_F(Agent, TellsAKillFromAnEndOfItsOwn) {
  manual_runtime rt;
  const auto stopped_by = [](stop_method method, cancel_reason why) {
    return [=](context& ctx) {
      stop_receipt r{.where = boundary::process, .method = method, .why = why};
      ctx.node().keep({ctx.name(), std::make_shared<receipt_slot>(r)});
      throw timed_out("work", 5ms);
    };
  };
  rt.run(agent_scope({.log = log}, [&](scope& s, const agent& a) {
    const auto call = [&](const char* name, auto body) {
      EXPECT_THROW(a.tool({.name = name}, body)(s), std::runtime_error);
    };
    call("killed", stopped_by(stop_method::killed, reason::timeout{5ms}));
    call("abandoned", stopped_by(stop_method::abandoned, reason::timeout{5ms}));
    call("polite", stopped_by(stop_method::cooperative, reason::timeout{5ms}));
    call("refused", stopped_by(stop_method::refused, reason::timeout{5ms}));
    call("later", [&](context& ctx) {
      try {
        stopped_by(stop_method::killed, reason::timeout{5ms})(ctx);
      } catch (const timed_out&) {
        throw std::runtime_error("of its own");
      }
    });
    a.tool({.name = "recovers"}, [&](context& ctx) {
      EXPECT_THROW(stopped_by(stop_method::killed, reason::timeout{5ms})(ctx), timed_out);
    })(s);
  }));
  entries ends;
  for (const auto& e : log.all())
    if (e.what != agent_step::tool_started && !e.tool.empty())
      ends.push_back(std::string(to_string(e.what)) + ' ' + e.tool);
  EXPECT_EQ(ends, (entries{"tool_killed killed", "tool_killed abandoned", "tool_failed polite", "tool_failed refused",
                           "tool_failed later", "tool_succeeded recovers"}));
  EXPECT_EQ(kind_of(log.all()[2].why.value()), "timeout");
}

TEST_F(Agent, KeepsReferencesAndValuesThatOnlyMove) {
  manual_runtime rt;
  int object = 1;
  rt.run(agent_scope({}, [&](scope& s, const agent& a) {
    int& same = a.tool({}, [&](context&) -> int& { return object; })(s);
    EXPECT_EQ(&same, &object);
    EXPECT_EQ(*a.tool({}, [] { return std::make_unique<int>(7); })(s), 7);
  }));
}

TEST_F(Agent, WritesLinesOfJson) {
  manual_runtime rt;
  rt.run(agent_scope({.log = log}, [](scope& s, const agent& a) {
    EXPECT_THROW(a.tool({.name = "say \"x\""}, [] { throw std::runtime_error("boom"); })(s), std::runtime_error);
  }));
  const auto line = nlohmann::json::parse(to_json(log.all()[2]));
  EXPECT_EQ(line.at("seq"), 3);
  EXPECT_EQ(line.at("what"), "tool_failed");
  EXPECT_EQ(line.at("tool"), "say \"x\"");
  EXPECT_EQ(line.at("error").at("what"), "boom");
}

TEST_F(Agent, TellsAnObserverWhichCannotHarmIt) {
  entries told;
  const agent_log watched({.max_events = 2, .on_event = [&](const agent_event& e) {
                             told.emplace_back(to_string(e.what));
                             throw std::runtime_error("an observer that fails");
                           }});
  manual_runtime rt;
  EXPECT_EQ(rt.run(agent_scope({.log = watched}, [](scope& s, const agent& a) { return a.tool({}, returns(1))(s); })),
            1);
  EXPECT_EQ(told, (entries{"started", "tool_started", "tool_succeeded", "completed"}));
  EXPECT_EQ(words(watched), (entries{"tool_succeeded tool", "completed"}));
  EXPECT_EQ(watched.dropped(), 2u);
}

// Random agents: seq has no gap, each call that began ends once, and what was charged is what began.
TEST_F(Agent, WhateverItsToolsDoItsStoryIsWhole) {
  const auto seed = test::seed();
  std::mt19937_64 random(seed);
  manual_runtime rt;
  for (int n = 0; n < 300; ++n) {
    const agent_log story;
    const auto limit = 1 + random() % 12;
    const bool stops = random() % 2 == 0;
    std::int64_t spent = 0;
    rt.run([&](scope& top) {
      auto one = agent_scope({.budgets = {{agent_tool_calls, limit}}, .log = story}, [&](scope& s, const agent& a) {
        s.defer([&] { spent = s.budget(agent_tool_calls)->spent.in_units(0); });
        for (auto calls = random() % 12; calls > 0; --calls)
          s.spawn({.background = true}, a.tool({}, [ends = random() % 3, takes = random() % 50](context& ctx) {
            ctx.sleep_for(std::chrono::milliseconds(takes));
            if (ends == 0) throw std::runtime_error("boom");
          }));
      });
      auto t = top.spawn({.background = true}, std::move(one));
      top.sleep_for(std::chrono::milliseconds(random() % 40));
      if (stops) t.cancel("stop");
      t.wait();
    });
    std::uint64_t seq = 0;
    std::map<work_id, int> open;
    std::int64_t began = 0;
    for (const auto& e : story.all()) {
      ASSERT_EQ(e.seq, ++seq) << "seed " << seed;
      if (e.call == 0) continue;
      if (e.what == agent_step::tool_started) {
        ++open[e.call];
        ++began;
      } else {
        ASSERT_EQ(open[e.call]--, 1) << "seed " << seed;
      }
    }
    for (const auto& [call, times] : open) ASSERT_EQ(times, 0) << "a call without an end; seed " << seed;
    ASSERT_LE(began, static_cast<std::int64_t>(limit)) << "seed " << seed;
    ASSERT_EQ(began, spent) << "seed " << seed;
    if (seq != 0) {
      ASSERT_GE(story.all().back().what, agent_step::completed) << "seed " << seed;
    }
  }
}

TEST(AgentOptions, WithoutTimeItIsOverBeforeItBegins) {
  manual_runtime rt;
  bool began = false;
  EXPECT_THROW(rt.run(agent_scope({.deadline = 0s}, [&](scope&, const agent&) { began = true; })), timed_out);
  EXPECT_FALSE(began);
}

TEST(AgentOptions, TakeNamesThatComeFromRequests) {
  manual_runtime rt;
  int calls = 0;
  const auto body = [&](scope& s, const agent& a) {
    a.tool({.name = std::string(129, 'x')}, [&] { ++calls; })(s);
    a.tool({.name = ""}, [&] { ++calls; })(s);
  };
  rt.run(agent_scope({.name = ""}, body));
  rt.run(agent_scope({.name = std::string(1000, 'y')}, body));
  EXPECT_EQ(calls, 4);
}

TEST(AgentOptions, AreRefusedWhereTheyCannotBe) {
  EXPECT_REFUSED(agent_log({.max_events = 0}), "agent_log_options.max_events is 0; it may be 1 to 1,000,000");
}

TEST(AgentDeathTest, ItsToolsMayNotBeCalledAfterItHasEnded) {
  EXPECT_DEATH(
      {
        manual_runtime rt;
        rt.run([](scope& s) {
          auto kept = agent_scope({.name = "gone"}, [](scope&, const agent& a) {
            return std::function<void(context&)>(a.tool({.name = "late"}, [] {}));
          })(s);
          kept(s);
        });
      },
      "tool \"late\" was called after its agent \"gone\" had ended");
}

}  // namespace
}  // namespace workit
