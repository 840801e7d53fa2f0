// receipt_recorder: the record of a scope, and what it says is missing.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <support/fixture.hpp>
#include <support/refused.hpp>
#include <thread>
#include <workit/compose/retry.hpp>
#include <workit/observe/receipt_recorder.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using test::manual_runtime;
using limitations = std::vector<record_limitation>;

// A clock that stays at 2026-11-23T12:00:00.250Z.
scope_record::wall_time noon() { return scope_record::wall_time(1795435200250ms); }

class ReceiptRecorder : public test::runtime_test {
 protected:
  static json written(const receipt_recorder& recorder) { return json::parse(to_json(recorder.build())); }
  static std::vector<std::string> events_of(const json& record) {
    std::vector<std::string> all;
    for (const auto& e : record["events"]) all.push_back(e["event"]);
    return all;
  }
};

TEST_F(ReceiptRecorder, TellsHowAScopeEndedAndWhatHappenedBelowIt) {
  manual_runtime rt;
  const attempt_recorder attempts;
  receipt_recorder recorder({.attempts = attempts, .wall_clock = noon});
  work_id id = 0;
  EXPECT_THROW(rt.run({.name = "request"},
                      [&](scope& s) {
                        recorder.attach(s);
                        id = s.id();
                        s.spawn({.name = "llm", .kind = task_kind::llm}, [](context& ctx) {
                          ctx.report({.pct = 0.5, .message = "half", .data = {{"rows", 10}, {"api_key", "abc"}}});
                          ctx.sleep_for(1ms);
                        });
                        s.scope({.name = "inner"}, [](scope& inner) {
                          inner.defer([] { throw std::runtime_error("cleanup"); });
                          inner.spawn([] {}).get();
                        });
                        int calls = 0;
                        retry({.times = 2, .initial_delay = 1ms, .jitter = false},
                              attempts.wrap({.reason_code = [](const std::exception_ptr&) { return "flaky"; }}, [&] {
                                if (++calls == 1) throw std::runtime_error("once");
                              }))(s);
                        s.sleep_for(10ms);
                        s.spawn({.name = "bad"}, [] { throw std::runtime_error("no route"); }).wait();
                      }),
               std::runtime_error);
  recorder.wait();
  const auto r = recorder.build();
  EXPECT_EQ(r.id, "receipt:" + std::to_string(id) + ":1795435200250");
  EXPECT_EQ(r.name, "request");
  EXPECT_EQ(r.terminal.outcome, scope_outcome::errored);
  EXPECT_EQ(r.terminal.took, 11ms);
  EXPECT_EQ(r.terminal.error->what, "no route");
  EXPECT_TRUE(std::holds_alternative<reason::sibling_failed>(r.terminal.why.value()));
  EXPECT_EQ(r.summary.tasks.succeeded, 2u);
  EXPECT_EQ(r.summary.tasks.failed, 1u);
  EXPECT_EQ(r.summary.tasks.running, 0u);
  EXPECT_EQ(r.summary.scopes, 4u) << "itself, inner, and one for each attempt";
  EXPECT_EQ(r.summary.cleanup_failures, 1u);
  EXPECT_EQ(r.summary.retries, 1u);
  EXPECT_EQ(r.attempts.size(), 2u);
  EXPECT_EQ(r.receipt.value().tasks, 2u) << "those of the scope itself";
  EXPECT_EQ(r.snapshot.state, scope_state::closed);
  EXPECT_EQ(r.limitations, limitations{});

  const auto j = json::parse(to_json(r));
  EXPECT_EQ(j["schema"], "workit.receipt.v1");
  EXPECT_EQ(j["created"], "2026-11-23T12:00:00.250Z");
  EXPECT_EQ(j["terminal"]["outcome"], "errored");
  EXPECT_EQ(j["terminal"]["at"], "2026-11-23T12:00:00.250Z");
  EXPECT_EQ(j["terminal"]["took_us"], 11000.0);
  EXPECT_EQ(j["terminal"]["reason"]["kind"], "sibling_failed");
  EXPECT_EQ(j["terminal"]["error"]["what"], "no route");
  EXPECT_EQ(j["summary"]["tasks"]["succeeded"], 2);
  EXPECT_EQ(j["receipt"], json::parse(to_json(*r.receipt))) << "the one notion of a receipt";
  EXPECT_EQ(j["attempts"][0]["reason_code"], "flaky");
  EXPECT_EQ(j["attempts"][0]["error"]["what"], "once");
  EXPECT_EQ(j["attempts"][1]["attempt"], 2);
  EXPECT_EQ(j["attempts"][1]["started_us"], 1000.0);
  EXPECT_EQ(j["snapshot"]["scope"], "request");
  EXPECT_EQ(j["limitations"], json::array());
  EXPECT_EQ(j["events"].front()["event"], "scope_opened");
  EXPECT_EQ(j["events"].back()["event"], "scope_closed");
}

TEST_F(ReceiptRecorder, TellsEveryKindOfEventInItsOwnWords) {
  manual_runtime rt;
  receipt_recorder recorder;
  rt.run({.name = "request"}, [&](scope& s) {
    recorder.attach(s);
    auto t = s.spawn({.name = "t", .kind = task_kind::tool}, [](context& ctx) {
      ctx.report({.pct = 0.25, .message = "token=abc", .data = {{"rows", 10}, {"token", "abc"}}});
      ctx.log(log_level::warn, "slow", {{"ms", 12}});
      ctx.defer({.timeout = 2ms}, [](context& c) { c.sleep_for(1h); });
      ctx.sleep_for(1h);
    });
    s.sleep_for(1ms);
    t.cancel("enough");
    t.wait();
  });
  recorder.wait();
  const auto j = written(recorder);
  EXPECT_EQ(events_of(j),
            (std::vector<std::string>{"scope_opened", "task_started", "progress", "log", "cleanup_timed_out",
                                      "task_cancelled", "scope_closing", "scope_closed"}));
  const auto& e = j["events"];
  EXPECT_EQ(e[1]["kind"], "tool");
  EXPECT_EQ(e[1]["scope"], j["scope_id"]);
  EXPECT_EQ(e[2]["progress"], 0.25);
  EXPECT_EQ(e[2]["message"], "token=abc") << "free text is not looked into";
  EXPECT_EQ(e[2]["data"], (json{{"rows", "10"}, {"token", "[redacted]"}}));
  EXPECT_EQ(e[3]["level"], "warn");
  EXPECT_EQ(e[3]["data"]["ms"], "12");
  EXPECT_EQ(e[4]["bound_us"], 2000.0);
  EXPECT_EQ(e[4]["at_us"], 3000.0);
  EXPECT_EQ(e[5]["reason"]["tag"], "enough");
  EXPECT_EQ(e[5]["took_us"], 3000.0);
  EXPECT_EQ(e[7]["took_us"], 3000.0);
  EXPECT_EQ(j["summary"]["cleanup_timeouts"], 1);
  EXPECT_EQ(j["terminal"]["outcome"], "completed");
}

TEST_F(ReceiptRecorder, KeepsNoSecretInMemory) {
  manual_runtime rt;
  receipt_recorder recorder({.redaction = redaction({.hide = {"pin"}, .remove = {"debug"}})});
  rt.run([&](scope& s) {
    recorder.attach(s);
    auto t = s.spawn([](context& ctx) {
      ctx.log(log_level::info, "in", {{"PIN", 1234}, {"debug", true}, {"token", "shown"}});
      ctx.sleep_for(1h);
    });
    s.sleep_for(1ms);
    t.cancel(reason::manual{.tag = "quota", .data = std::string("anything")});
    t.wait();
  });
  recorder.wait();
  bool looked = false;
  for (const auto& e : recorder.build().events) {
    if (kind_of(e) == "log") {
      EXPECT_EQ(e.data, (owned_fields{{"PIN", "[redacted]"}, {"token", "shown"}}));
    }
    if (kind_of(e) != "task_cancelled") continue;
    looked = true;
    EXPECT_FALSE(std::get<reason::manual>(e.why.value()).data.has_value()) << "no rule can look into it";
  }
  EXPECT_TRUE(looked);
}

TEST_F(ReceiptRecorder, KeepsTheLastEventsAndSaysThatOthersAreGone) {
  manual_runtime rt;
  receipt_recorder small({.max_events = 5}), large;
  rt.run([&](scope& s) {
    small.attach(s);
    large.attach(s);
    for (int i = 0; i < 10; ++i) s.spawn([] {}).get();
  });
  small.wait();
  large.wait();
  const auto r = small.build();
  EXPECT_EQ(r.events.size(), 5u);
  EXPECT_EQ(r.summary.dropped_events, 18u) << "of 23: ten begin, ten end, one opened, closing and closed";
  EXPECT_EQ(r.summary.tasks.succeeded, 10u) << "counts are of all events";
  EXPECT_EQ(r.limitations, limitations{record_limitation::event_window_truncated});
  EXPECT_EQ(large.build().events.size(), 23u);
  EXPECT_EQ(large.build().limitations, limitations{});
}

TEST_F(ReceiptRecorder, SaysWhatItIsMissing) {
  manual_runtime rt;
  receipt_recorder late, dropped, forgotten;
  const attempt_recorder attempts({.max_attempts = 1});
  receipt_recorder with_attempts({.attempts = attempts});
  rt.run({.budgets = {{telemetry_budget, 3}}}, [&](scope& s) {
    dropped.attach(s);
    for (int i = 0; i < 5; ++i) s.spawn([] {}).get();
    late.attach(s);
  });
  rt.run([&](scope& s) {
    forgotten.attach(s);
    with_attempts.attach(s);
    for (int i = 0; i < 40; ++i) s.spawn(attempts.wrap([] {})).get();
  });
  for (const auto* r : {&late, &dropped, &forgotten, &with_attempts}) r->wait();
  EXPECT_EQ(late.build().limitations,
            (limitations{record_limitation::attached_late, record_limitation::telemetry_exhausted}));
  EXPECT_EQ(dropped.build().limitations, limitations{record_limitation::telemetry_exhausted});
  EXPECT_EQ(forgotten.build().limitations, limitations{record_limitation::snapshot_truncated});
  EXPECT_EQ(with_attempts.build().limitations,
            (limitations{record_limitation::attempt_window_truncated, record_limitation::snapshot_truncated}));
  EXPECT_EQ(with_attempts.build().summary.dropped_attempts, 39u);
}

TEST_F(ReceiptRecorder, TellsOfAScopeThatIsStillOpen) {
  manual_runtime rt;
  receipt_recorder recorder({.id = "mine", .wall_clock = noon});
  rt.run({.name = "request"}, [&](scope& s) {
    recorder.attach(s);
    s.spawn({.name = "sleeps"}, [](context& ctx) { ctx.sleep_for(1s); });
    s.sleep_for(1ms);
    s.spawn({.name = "in the queue"}, [] {});
    const auto r = recorder.build();
    EXPECT_FALSE(r.terminal.outcome);
    EXPECT_EQ(r.terminal.took, 1ms);
    EXPECT_FALSE(r.receipt);
    EXPECT_EQ(r.summary.tasks.running, 1u);
    EXPECT_EQ(r.summary.tasks.pending, 1u);
    EXPECT_EQ(r.snapshot.tasks.size(), 2u);
    EXPECT_EQ(r.limitations, limitations{record_limitation::scope_still_open});
    EXPECT_FALSE(recorder.is_complete());
    EXPECT_EQ(json::parse(to_json(r))["terminal"]["outcome"], "running");
  });
  recorder.wait();
  EXPECT_TRUE(recorder.is_complete());
  const auto r = recorder.build();
  EXPECT_EQ(r.id, "mine");
  EXPECT_EQ(r.summary.tasks.pending, 0u);
  EXPECT_EQ(r.terminal.outcome, scope_outcome::completed);
}

TEST_F(ReceiptRecorder, HandsOverTheCompleteRecordOnceAndLeavesTheReceiptToItsListener) {
  manual_runtime rt;
  std::vector<std::string> told;
  rt.run({.name = "request",
          .on_receipt =
              [&](const scope_receipt&) {
                told.push_back("receipt");
                throw std::runtime_error("an observer's own affair");
              }},
         [&](scope& s) {
           receipt_recorder recorder({.on_record = [&](const scope_record& r) {
             EXPECT_TRUE(r.receipt);
             EXPECT_EQ(r.limitations, limitations{});
             told.push_back("record of " + r.name);
           }});
           recorder.attach(s);  // and goes: the scope keeps what it records into
         });
  rt.rt.shutdown();
  EXPECT_EQ(told, (std::vector<std::string>{"receipt", "record of request"}));
}

TEST_F(ReceiptRecorder, HearsOnlyWhatIsBelowItsScope) {
  manual_runtime rt;
  receipt_recorder recorder;
  rt.run([&](scope& s) {
    s.scope({.name = "inner"}, [&](scope& inner) {
      recorder.attach(inner);
      s.spawn({.name = "outside"}, [] {}).get();
      inner.spawn({.name = "inside"}, [] {}).get();
    });
    recorder.wait();  // of a scope below, a fiber may
    EXPECT_EQ(recorder.build().summary.tasks.succeeded, 1u);
  });
  EXPECT_EQ(recorder.build().events.size(), 5u);
}

TEST_F(ReceiptRecorder, NamesTheFailureOfTheBody) {
  manual_runtime rt;
  receipt_recorder failed, cancelled;
  EXPECT_THROW(rt.run([&](scope& s) {
    failed.attach(s);
    throw std::logic_error("body");
  }),
               std::logic_error);
  EXPECT_THROW(rt.run({.deadline = 5ms},
                      [&](scope& s) {
                        cancelled.attach(s);
                        s.sleep_for(1h);
                      }),
               timed_out);
  failed.wait();
  cancelled.wait();
  EXPECT_EQ(failed.build().terminal.error->what, "body");
  EXPECT_EQ(failed.build().terminal.outcome, scope_outcome::errored);
  const auto r = cancelled.build();
  EXPECT_EQ(r.terminal.outcome, scope_outcome::cancelled);
  EXPECT_FALSE(r.terminal.error);
  EXPECT_TRUE(std::holds_alternative<reason::deadline>(r.terminal.why.value()));
  EXPECT_EQ(r.terminal.took, 5ms);
}

// A thread reads while the loop writes; ThreadSanitizer checks it.
TEST_F(ReceiptRecorder, IsReadFromOtherThreadsWhileTheScopeRuns) {
  runtime rt;
  const attempt_recorder attempts({.max_attempts = 50});
  receipt_recorder recorder({.max_events = 100, .attempts = attempts});
  std::atomic<bool> attached{false};
  std::atomic<std::size_t> read{0};
  auto root = rt.spawn({}, [&](scope& s) {
    recorder.attach(s);
    attached = true;
    std::size_t tasks = 0;
    for (; tasks < 500 || read < 20; ++tasks) {
      s.spawn(attempts.wrap([] {})).get();
      s.yield();
    }
    return tasks;
  });
  while (!attached) std::this_thread::yield();
  for (; !recorder.is_complete(); ++read) {
    const auto r = recorder.build();
    ASSERT_LE(r.events.size(), 100u);
    ASSERT_FALSE(to_json(r).empty());
  }
  EXPECT_EQ(recorder.build().summary.tasks.succeeded, root.get());
  EXPECT_EQ(recorder.build().terminal.outcome, scope_outcome::completed);
}

TEST(RecordLimitation, HasAWordForEach) {
  for (int l = 0; l <= static_cast<int>(record_limitation::snapshot_truncated); ++l)
    EXPECT_NE(to_string(static_cast<record_limitation>(l)), "?");
}

using ReceiptRecorderDeathTest = ReceiptRecorder;

TEST_F(ReceiptRecorderDeathTest, RefusesWhatCannotBe) {
  EXPECT_REFUSED(receipt_recorder({.max_events = 0}), "max_events is 0; it may be 1 to 1,000,000");
  EXPECT_REFUSED(receipt_recorder({.id = std::string(513, 'x')}), "id has 513 characters");
  EXPECT_DEATH((void)receipt_recorder().build(), "before it was attached to a scope");
  manual_runtime rt;
  EXPECT_DEATH(rt.run({.name = "second"},
                      [](scope& s) {
                        receipt_recorder recorder;
                        s.scope([&](scope& inner) { recorder.attach(inner); });
                        recorder.attach(s);
                      }),
               "attached to scope \"second\" after it had been to another");
}

}  // namespace
}  // namespace workit
