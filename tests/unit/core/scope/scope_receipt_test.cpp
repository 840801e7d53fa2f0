// scope_receipt: outcomes, counts, stops and JSON.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <support/fixture.hpp>
#include <workit/scope/runtime.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using test::manual_runtime;

class ScopeReceipt : public test::runtime_test {
 protected:
  // Runs `body` in a scope "page"; its receipt, once the runtime, which delivers it late, has ended.
  template <class F>
  scope_receipt receipt_of(F&& body, scope_options options = {}) {
    std::optional<scope_receipt> got;
    {
      manual_runtime rt;
      options.name = "page";
      options.on_receipt = [&](const scope_receipt& r) { got = r; };
      try {
        rt.run(std::move(options), body);
      } catch (const std::exception&) {
      }
    }
    EXPECT_TRUE(got) << "no receipt came";
    return got.value_or(scope_receipt{});
  }
};

TEST_F(ScopeReceipt, CountsTasksByTheirEnd) {
  const auto r = receipt_of([](scope& s) {
    for (int i = 0; i < 3; ++i) s.spawn([] {});
    for (int i = 0; i < 2; ++i) s.spawn({.background = true}, [] { throw 1; });
    s.spawn([](context& ctx) { ctx.sleep_for(1h); }).cancel("stop");
    s.scope([](scope& in) { in.spawn([] {}); });
  });
  EXPECT_EQ(r.name, "page");
  EXPECT_EQ(r.tasks, 6u) << "its own, not those of the scopes below";
  EXPECT_EQ(r.succeeded, 3u);
  EXPECT_EQ(r.failed, 2u);
  EXPECT_EQ(r.cancelled, 1u);
  EXPECT_EQ(r.outcome, scope_outcome::completed);
  EXPECT_FALSE(r.why);
  EXPECT_FALSE(r.requested);
  EXPECT_GE(r.closed, r.opened);
}

TEST_F(ScopeReceipt, CountsTasksThatWereBornCancelled) {
  const auto r = receipt_of([](scope& s) {
    s.cancel("stop");
    s.spawn([] {});
    s.spawn([] {});
  });
  EXPECT_EQ(r.tasks, 2u);
  EXPECT_EQ(r.cancelled, 2u);
}

TEST_F(ScopeReceipt, SaysInAWordHowTheScopeEnded) {
  EXPECT_EQ(receipt_of([](scope&) { throw std::runtime_error("x"); }).outcome, scope_outcome::errored);
  EXPECT_EQ(receipt_of([](scope& s) { s.spawn([] { throw std::runtime_error("x"); }); }).outcome,
            scope_outcome::errored);
  EXPECT_EQ(receipt_of([](scope& s) { s.spawn({.background = true}, [] { throw 1; }); }).outcome,
            scope_outcome::completed);
  EXPECT_EQ(receipt_of([](scope& s) { s.cancel(reason::budget{"tokens", 1, 2}); }).outcome, scope_outcome::errored);
  EXPECT_EQ(receipt_of([](scope& s) { s.cancel("stop"); }).outcome, scope_outcome::cancelled);
  EXPECT_EQ(receipt_of([](scope& s) { s.sleep_for(1h); }, {.deadline = 1s}).outcome, scope_outcome::cancelled);
  EXPECT_EQ(to_string(scope_outcome::completed), "completed");
  EXPECT_EQ(to_string(scope_outcome::errored), "errored");
  EXPECT_EQ(to_string(scope_outcome::cancelled), "cancelled");
}

TEST_F(ScopeReceipt, HasAnOutcomeForEveryReason) {
  const auto outcome_of = [&](cancel_reason why) {
    return receipt_of([&](scope& s) { s.cancel(std::move(why)); }).outcome;
  };
  const auto error = std::make_exception_ptr(std::runtime_error("x"));
  for (const cancel_reason& why :
       {cancel_reason(reason::parent_failed{error}), cancel_reason(reason::sibling_failed{.error = error}),
        cancel_reason(reason::budget{"tokens", 1, 2})})
    EXPECT_EQ(outcome_of(why), scope_outcome::errored) << describe(why);
  for (const cancel_reason& why :
       {cancel_reason(reason::user{}), cancel_reason(reason::deadline{}), cancel_reason(reason::timeout{1s}),
        cancel_reason(reason::race_lost{1}), cancel_reason(reason::scope_ended{}), cancel_reason(reason::shutdown{}),
        cancel_reason(reason::manual{.tag = "x"})})
    EXPECT_EQ(outcome_of(why), scope_outcome::cancelled) << describe(why);
  static_assert(cancel_reason::kinds == 10, "a new reason belongs into one of the two lists");
}

TEST_F(ScopeReceipt, KeepsTheFirstReasonAndWhenItWasDecided) {
  const auto r = receipt_of([](scope& s) {
    s.cancel("first");
    s.cancel("second");
  });
  ASSERT_TRUE(r.why && r.requested);
  EXPECT_EQ(describe(*r.why), "manual: first");
  EXPECT_GE(*r.requested, r.opened);
  EXPECT_LE(*r.requested, r.closed);
}

TEST_F(ScopeReceipt, ComesAfterTheLastReclaimAndHoldsTheFirst32Stops) {
  std::optional<scope_receipt> got;
  std::vector<std::shared_ptr<receipt_slot>> slots;
  {
    manual_runtime rt;
    rt.run([&](scope& top) {
      top.scope({.on_receipt = [&](const scope_receipt& r) { got = r; }}, [&](scope& s) {
        for (int i = 0; i < 40; ++i) {
          slots.push_back(std::make_shared<receipt_slot>(stop_receipt{.where = boundary::process, .worker = i + 1}));
          s.spawn({.name = "t" + std::to_string(i)}, [slot = slots.back()](context& ctx) {
            ctx.node().keep({ctx.name(), slot});
          });
        }
      });
      top.sleep_for(1s);
      EXPECT_FALSE(got) << "nothing is reclaimed yet";
      for (const auto& slot : slots) slot->set_reclaimed(top.now());
      top.sleep_for(1s);
      EXPECT_TRUE(got);
    });
  }
  ASSERT_TRUE(got);
  ASSERT_EQ(got->stops.size(), 32u);
  EXPECT_EQ(got->stops[0].task, "t0");
  EXPECT_EQ(got->stops[31].receipt.worker, 32);
  EXPECT_TRUE(got->stops[31].receipt.reclaimed);
  EXPECT_EQ(got->stops_dropped, 8u);
}

TEST_F(ScopeReceipt, IncludesTheStopsOfNestedScopes) {
  const auto r = receipt_of([](scope& s) {
    s.scope([](scope& in) {
      in.spawn({.name = "deep"}, [](context& ctx) {
        const auto slot = std::make_shared<receipt_slot>(stop_receipt{});
        slot->set_reclaimed(ctx.now());
        ctx.node().keep({ctx.name(), slot});
      });
    });
  });
  ASSERT_EQ(r.stops.size(), 1u);
  EXPECT_EQ(r.stops[0].task, "deep");
}

TEST_F(ScopeReceipt, SwallowsWhatItsObserverThrows) {
  manual_runtime rt;
  EXPECT_EQ(rt.run({.on_receipt = [](const scope_receipt&) { throw std::runtime_error("observer"); }},
                   [](scope&) { return 1; }),
            1);
}

scope_receipt filled() {
  const time_point noon{12h};
  scope_receipt r;
  r.id = 17;
  r.name = "page";
  r.outcome = scope_outcome::cancelled;
  r.why = reason::manual{.tag = "client_disconnected"};
  r.opened = noon;
  r.requested = noon + 250ms;
  r.closed = noon + 250ms + 1234567ns;
  r.tasks = 3;
  r.succeeded = 1;
  r.cancelled = 2;
  r.stops.push_back({"rerank",
                     {.where = boundary::process,
                      .method = stop_method::killed,
                      .proof = stop_proof::barrier,
                      .why = reason::deadline{},
                      .worker = 4711,
                      .requested = noon,
                      .stopped = noon + 25300ns,
                      .reclaimed = noon + 1ms}});
  r.stops.push_back({"embed", {}});
  r.stops_dropped = 4;
  return r;
}

TEST(ScopeReceiptJson, IsOneLineOfValidJson) {
  const auto text = to_json(filled());
  EXPECT_EQ(text.find('\n'), std::string::npos);
  const auto j = json::parse(text);
  EXPECT_EQ(j["scope"], "page");
  EXPECT_EQ(j["id"], 17);
  EXPECT_EQ(j["outcome"], "cancelled");
  EXPECT_EQ(j["reason"]["kind"], "manual");
  EXPECT_EQ(j["reason"]["tag"], "client_disconnected");
  EXPECT_DOUBLE_EQ(j["open_us"], 251234.5);
  EXPECT_DOUBLE_EQ(j["closed_us"], 1234.5);
  EXPECT_EQ(j["tasks"]["spawned"], 3);
  EXPECT_EQ(j["tasks"]["succeeded"], 1);
  EXPECT_EQ(j["tasks"]["failed"], 0);
  EXPECT_EQ(j["tasks"]["cancelled"], 2);
  ASSERT_EQ(j["stops"].size(), 2u);
  EXPECT_EQ(j["stops"][0]["task"], "rerank");
  EXPECT_EQ(j["stops"][0]["boundary"], "process");
  EXPECT_EQ(j["stops"][0]["method"], "killed");
  EXPECT_EQ(j["stops"][0]["proof"], "barrier");
  EXPECT_EQ(j["stops"][0]["reason"]["kind"], "deadline");
  EXPECT_DOUBLE_EQ(j["stops"][0]["stopped_us"], 25.3);
  EXPECT_DOUBLE_EQ(j["stops"][0]["reclaimed_us"], 1000.0);
  EXPECT_EQ(j["stops"][0]["worker"], 4711);
  EXPECT_FALSE(j["stops"][1].contains("worker"));
  EXPECT_FALSE(j["stops"][1].contains("reclaimed_us"));
  EXPECT_EQ(j["stops_dropped"], 4);
}

TEST(ScopeReceiptJson, LeavesOutWhatThereIsNot) {
  scope_receipt r;
  r.name = "calm";
  const auto j = json::parse(to_json(r));
  EXPECT_EQ(j["outcome"], "completed");
  EXPECT_FALSE(j.contains("reason"));
  EXPECT_FALSE(j.contains("closed_us"));
  EXPECT_FALSE(j.contains("stops_dropped"));
  EXPECT_TRUE(j["stops"].empty());
}

TEST(ScopeReceiptJson, EscapesWhatNamesAndTagsMayHold) {
  std::string every;
  for (char c = 1; c < 0x20; ++c) every += c;
  every += "\"\\/ \x7f caf\xc3\xa9";
  auto r = filled();
  r.name = every;
  r.why = reason::manual{.tag = every};
  r.stops[0].task = every + std::string(1, '\0');
  const auto j = json::parse(to_json(r));
  EXPECT_EQ(j["scope"], every);
  EXPECT_EQ(j["reason"]["tag"], every);
  EXPECT_EQ(j["stops"][0]["task"], every + std::string(1, '\0'));
}

TEST(ScopeReceiptJson, StaysValidWhenANameIsNotUtf8) {
  auto r = filled();
  r.name = "caf\xe9";                // Latin-1
  r.stops[0].task = "cut \xe2\x82";  // a character that a limit of 128 bytes cut in two
  const auto j = json::parse(to_json(r));
  EXPECT_EQ(j["scope"], "caf\xef\xbf\xbd") << "what is no UTF-8 becomes the replacement character";
  EXPECT_EQ(j["stops"][0]["task"], "cut \xef\xbf\xbd");
}

TEST(ScopeReceiptJson, WritesNegativeDurationsAsNumbers) {
  auto r = filled();
  r.requested = r.closed + 50ns;  // decided by another thread while the scope closed
  const auto j = json::parse(to_json(r));
  EXPECT_DOUBLE_EQ(j["closed_us"], 0.0);
  r.requested = r.closed + 1250ns;
  EXPECT_DOUBLE_EQ(json::parse(to_json(r))["closed_us"], -1.2);
}

}  // namespace
}  // namespace workit
