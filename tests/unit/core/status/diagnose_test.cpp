// diagnose(): findings about a live tree.
#include <gtest/gtest.h>

#include <stdexcept>
#include <support/fixture.hpp>
#include <support/refused.hpp>
#include <workit/base/worker_errors.hpp>
#include <workit/compose/uncancellable.hpp>
#include <workit/observe/event_sink.hpp>
#include <workit/scope/runtime.hpp>
#include <workit/status/diagnose.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;
using codes = std::vector<std::string>;

codes codes_of(const diagnosis& d) {
  codes all;
  for (const auto& f : d.findings) all.emplace_back(to_string(f.code));
  return all;
}

class Diagnose : public test::runtime_test {};

TEST_F(Diagnose, FindsNothingInAHealthyScope) {
  manual_runtime rt;
  std::optional<remote_scope> remote;
  rt.run({.name = "page"}, [&](scope& s) {
    remote = s.remote();
    s.spawn([] {});
    s.spawn([](context& ctx) { ctx.sleep_for(1h); }).cancel("enough");
    s.spawn([](context& ctx) { ctx.scope([](scope& in) { in.sleep_for(29s); }); });
    s.sleep_for(29s - 1ms);
    const auto live = diagnose(s.status());
    EXPECT_EQ(live.status, diagnosis_status::ok) << "young ones are counted, no more";
    EXPECT_EQ(live.found, 0u);
    EXPECT_EQ(live.tasks.running, 1u);
    EXPECT_EQ(live.tasks.succeeded, 1u);
    EXPECT_EQ(live.tasks.cancelled, 1u);
    EXPECT_EQ(live.scopes, 2u);
    EXPECT_FALSE(live.truncated);
    EXPECT_EQ(codes_of(diagnose(s.status(), {.stale_after = 10s})), (codes{"old_pending_task", "pending_child_scope"}))
        << "the control: the same scope, asked more strictly";
  });
  EXPECT_EQ(diagnose(remote->status()).status, diagnosis_status::ok) << "closed";
}

TEST_F(Diagnose, FindsOldTasksAndScopesAllTheWayDown) {
  manual_runtime rt;
  rt.run({.name = "page"}, [](scope& s) {
    s.spawn({.name = "opens"}, [](context& ctx) {
      ctx.scope({.name = "inner"}, [](scope& in) { in.spawn({.name = "part"}, [](context& c) { c.sleep_for(40s); }); });
    });
    s.scope({.name = "below"}, [&](scope& below) {
      below.sleep_for(30s);
      const auto d = diagnose(s.status());
      EXPECT_EQ(d.status, diagnosis_status::needs_attention);
      EXPECT_EQ(codes_of(d),
                (codes{"old_pending_task", "pending_child_scope", "old_pending_task", "pending_child_scope"}));
      EXPECT_EQ(d.findings[0].message, "task \"opens\" has been running for 30 s and waits for its scope");
      EXPECT_EQ(d.findings[0].scope, s.id());
      EXPECT_NE(d.findings[0].task, 0u);
      EXPECT_EQ(d.findings[0].age, 30s);
      EXPECT_EQ(d.findings[1].message, "scope \"inner\" has been open for 30 s");
      EXPECT_EQ(d.findings[2].message, "task \"part\" has been running for 30 s and waits for sleep");
      EXPECT_EQ(d.findings[3].scope, below.id());
      EXPECT_EQ(d.warnings, 4u);
      EXPECT_EQ(d.errors, 0u);
    });
  });
}

TEST_F(Diagnose, CountsTheAgeFromTheInstantItIsGiven) {
  const time_point now{100s};
  scope_snapshot s{.id = 1, .name = "page", .taken = now};
  s.tasks.push_back({.id = 2, .name = "part", .age = 20s});
  EXPECT_EQ(diagnose(s).status, diagnosis_status::ok);
  const auto later = diagnose(s, {.now = now + 10s});
  EXPECT_EQ(codes_of(later), (codes{"old_pending_task"}));
  EXPECT_EQ(later.findings[0].age, 30s);
}

TEST_F(Diagnose, FindsAScopeThatIsClosingAndSaysWhy) {
  manual_runtime rt;
  rt.run({.name = "page"}, [](scope& s) {
    s.cancel("enough");
    const auto d = diagnose(s.status());
    ASSERT_EQ(codes_of(d), (codes{"scope_closing"}));
    EXPECT_NE(d.findings[0].message.find("scope \"page\" has been closing for "), std::string::npos);
    EXPECT_NE(d.findings[0].message.find(": manual: enough"), std::string::npos);
    EXPECT_EQ(d.findings[0].scope, s.id());
  });
}

TEST_F(Diagnose, FindsCleanupsThatTimedOutInEventsAndNothingElseThere) {
  event_sink sink;
  std::optional<remote_scope> remote;
  manual_runtime rt;
  rt.run({.name = "page"}, [&](scope& s) {
    remote = s.remote();
    sink.attach(s).keep();
    s.spawn({.name = "fails", .background = true}, [](context& ctx) {
      ctx.defer([] { throw std::runtime_error("cleanup"); });
      ctx.defer({.timeout = 2s}, [](context& c) { c.sleep_for(1h); });
      throw std::runtime_error("boom");
    });
  });
  const auto events = sink.take_all();
  EXPECT_GT(events.size(), 5u);
  EXPECT_EQ(diagnose(remote->status()).found, 0u) << "it is in the events only";
  const auto d = diagnose(remote->status(), {.events = events});
  ASSERT_EQ(codes_of(d), (codes{"cleanup_timed_out"}));
  EXPECT_EQ(d.findings[0].message, "a cleanup of \"fails\" took longer than its 2 s and was cancelled");
  EXPECT_EQ(d.findings[0].severity, finding_severity::error);
  EXPECT_EQ(d.errors, 1u);
  EXPECT_EQ(d.warnings, 0u);
}

TEST_F(Diagnose, FindsALoserThatDoesNotAnswer) {
  scope_snapshot s{.id = 1, .name = "page"};
  const auto stopping = [](cancel_reason why, duration since) {
    return task_snapshot{
        .id = 2, .name = "slow", .status = task_status::running, .stopping = stop_snapshot{std::move(why), since}};
  };
  s.tasks.push_back(stopping(reason::race_lost{}, 3s));
  s.tasks.push_back(stopping(reason::timeout{50ms}, 1s));
  s.tasks.back().id = 3;
  s.tasks.push_back(stopping(reason::race_lost{}, 999ms));
  s.tasks.push_back(stopping(reason::user{}, 3s));
  s.tasks.push_back(stopping(reason::race_lost{}, 3s));
  s.tasks.back().status = task_status::cancelled;
  const auto d = diagnose(s);
  ASSERT_EQ(codes_of(d), (codes{"loser_unresponsive", "loser_unresponsive"}));
  EXPECT_EQ(d.findings[1].message, "task \"slow\" was cancelled 1 s ago and goes on: timeout of 50 ms");
  EXPECT_EQ(diagnose(s, {.loser_grace = 10s}).found, 0u);
}

TEST_F(Diagnose, FindsABodyThatIgnoredItsStop) {
  manual_runtime rt;
  event_sink sink;
  EXPECT_THROW(rt.run({.name = "page", .deadline = 1s},
                      [&](scope& s) {
                        sink.attach(s).keep();
                        uncancellable(1h, [](context& ctx) { ctx.sleep_for(3s); })(s);
                      }),
               timed_out);
  const auto events = sink.take_all();
  const auto d = diagnose(scope_snapshot{.id = 1, .name = "page"}, {.events = events});
  ASSERT_EQ(codes_of(d), (codes{"stop_ignored"}));
  EXPECT_EQ(d.findings[0].message,
            "the body of \"page\" returned 2 s after its time was over: it came to no cancel point, or swallowed "
            "`cancelled`");
  EXPECT_EQ(d.findings[0].age, 2s);
}

TEST_F(Diagnose, FindsTheTaskThatHoldsUpAScopeWhichIsToStop) {
  runtime rt;
  rt.run({.name = "page"}, [](scope& s) {
    bool go_on = true;
    auto outer = s.spawn({.name = "outer", .background = true}, [&](context& ctx) {
      ctx.scope({.name = "inner"}, [&](scope& in) {
        in.spawn({.name = "stubborn"}, [&](context& c) {
          while (go_on) try {
              c.sleep_for(1ms);
            } catch (const cancelled&) {
            }
        });
      });
    });
    s.sleep_for(2ms);
    const diagnose_options strict{.loser_grace = 1ns};
    EXPECT_EQ(diagnose(s.status(), strict).found, 0u) << "the control arm: it is not to stop";
    outer.cancel("enough");
    s.sleep_for(2ms);
    const auto d = diagnose(s.status(), strict);
    std::vector<std::string> unresponsive;
    for (const auto& f : d.findings)
      if (f.code == finding_code::task_unresponsive) unresponsive.push_back(f.message);
    ASSERT_EQ(unresponsive.size(), 1u) << "those above it wait for it";
    EXPECT_TRUE(unresponsive[0].starts_with("task \"stubborn\" was cancelled ")) << unresponsive[0];
    EXPECT_NE(unresponsive[0].find(" ago and goes on: manual: enough"), std::string::npos) << unresponsive[0];
    EXPECT_EQ(codes_of(diagnose(s.status())), (codes{"scope_closing"})) << "it has a second";
    go_on = false;
  });
}

TEST_F(Diagnose, FindsATaskThatHoldsItsIoThreadAlthoughItIsToStop) {
  const stall_report held{
      .task = 7, .name = "spins", .stopping = told_to_stop{"deadline", 3s}, .held = 3s, .stack = {"loop+0x10 (app)"}};
  auto not_told = held;
  not_told.stopping.reset();
  const std::vector<stall_report> stalls{not_told, held, held};
  const auto d = diagnose(scope_snapshot{.id = 1, .name = "page"}, {.stalls = stalls});
  ASSERT_EQ(codes_of(d), (codes{"task_unresponsive"})) << "told again and again, it counts once";
  EXPECT_EQ(d.findings[0].message, "task \"spins\" was told to stop 3 s ago (deadline) and holds I/O thread 0");
  EXPECT_EQ(d.findings[0].stack, (std::vector<std::string>{"loop+0x10 (app)"}));
}

TEST_F(Diagnose, FindsWorkersThatWereKilledOrCrashed) {
  manual_runtime rt;
  rt.run({.name = "page"}, [](scope& s) {
    s.spawn({.name = "crashes", .background = true}, [] { throw worker_crashed("crashes", 11, 0); });
    s.spawn({.name = "killed"}, [](context& ctx) {
      stop_receipt r{.where = boundary::process, .method = stop_method::killed, .why = reason::timeout{50ms}};
      ctx.node().keep({ctx.name(), std::make_shared<receipt_slot>(r)});
      r.method = stop_method::cooperative;
      ctx.node().keep({"polite", std::make_shared<receipt_slot>(r)});
    });
    s.sleep_for(1s);
    const auto d = diagnose(s.status());
    ASSERT_EQ(codes_of(d), (codes{"worker_killed", "worker_crashed"}));
    EXPECT_EQ(d.findings[0].message, "the worker of task \"killed\" was killed: timeout of 50 ms");
    EXPECT_NE(d.findings[1].message.find("the worker of task \"crashes\" died of signal 11"), std::string::npos);
    EXPECT_EQ(d.errors, 1u);
    EXPECT_EQ(d.warnings, 1u);
  });
}

TEST_F(Diagnose, FindsACrashOnceInSnapshotAndEvents) {
  event_sink sink;
  manual_runtime rt;
  rt.run([&](scope& s) {
    sink.attach(s).keep();
    for (int i = 0; i < 40; ++i) s.spawn({.background = true}, [] { throw worker_crashed("t", 0, 1); }).wait();
    const auto events = sink.take_all();
    EXPECT_EQ(diagnose(s.status()).found, 32u) << "the snapshot keeps no more";
    EXPECT_EQ(diagnose(s.status(), {.events = events}).found, 40u);
  });
}

TEST_F(Diagnose, FindsAPoolThatLacksWorkers) {
  const pool_capacity pools[] = {{"full", 4, 4}, {"thin", 4, 1}};
  const auto d = diagnose(scope_snapshot{}, {.capacity = pools});
  ASSERT_EQ(codes_of(d), (codes{"capacity_degraded"}));
  EXPECT_EQ(d.findings[0].message, "pool \"thin\" has 1 of 4 workers");
}

TEST_F(Diagnose, KeepsAHundredFindingsAndCountsTheRest) {
  scope_snapshot s{.id = 1, .name = "page"};
  for (int i = 0; i < 130; ++i) s.tasks.push_back({.id = static_cast<work_id>(i + 2), .name = "t", .age = 1min});
  const auto d = diagnose(s);
  EXPECT_EQ(d.findings.size(), 100u);
  EXPECT_TRUE(d.truncated);
  EXPECT_EQ(d.found, 130u);
  EXPECT_EQ(d.warnings, 130u);
  EXPECT_EQ(d.findings.back().task, 101u) << "the first ones, in their order";
  EXPECT_FALSE(diagnose(s, {.max_findings = 130}).truncated);
  const auto none = diagnose(s, {.max_findings = 0});
  EXPECT_EQ(none.status, diagnosis_status::needs_attention);
  EXPECT_TRUE(none.findings.empty());
}

TEST_F(Diagnose, LooksAtAllRootsAndTheQueueOfARuntime) {
  runtime_snapshot r{.name = "shop"};
  for (int i = 0; i < 2; ++i) {
    r.roots.push_back({.id = 1, .name = "page", .open = 1h});
    r.roots.back().tasks.push_back({.id = 2, .name = "t", .age = 1min});
  }
  r.queued.push_back({.id = 9, .name = "queued", .age = 1min});
  const auto d = diagnose(r);
  EXPECT_EQ(codes_of(d), (codes{"old_pending_task", "old_pending_task", "old_pending_task"})) << "roots may live long";
  EXPECT_EQ(d.scopes, 2u);
  EXPECT_EQ(d.tasks.pending, 1u);
}

TEST_F(Diagnose, RefusesDurationsOfNothing) {
  EXPECT_REFUSED(static_cast<void>(diagnose(scope_snapshot{}, {.stale_after = 0s})),
                 "diagnose_options.stale_after is 0 us and loser_grace 1 s; both have to be more than zero");
}

}  // namespace
}  // namespace workit
