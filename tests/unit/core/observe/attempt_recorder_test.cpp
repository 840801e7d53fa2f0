// attempt_recorder: one record for each call.
#include <gtest/gtest.h>

#include <stdexcept>
#include <support/fixture.hpp>
#include <support/refused.hpp>
#include <workit/base/event.hpp>
#include <workit/compose/retry.hpp>
#include <workit/compose/timeout.hpp>
#include <workit/observe/attempt_recorder.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using event::attempt_end;
using test::manual_runtime;

class AttemptRecorder : public test::runtime_test {};

TEST_F(AttemptRecorder, KeepsOneRecordForEachCall) {
  manual_runtime rt;
  const attempt_recorder attempts;
  int calls = 0;
  const auto flaky = [&](context& ctx) {
    ctx.sleep_for(5ms);
    if (++calls < 3) throw std::runtime_error("no " + std::to_string(calls));
    return calls;
  };
  time_point start;
  work_id task = 0;
  rt.run([&](scope& s) {
    start = s.now();
    auto t = s.spawn({.name = "ask"}, retry({.times = 5, .initial_delay = 100ms, .jitter = false},
                                            attempts.wrap({.metadata = {{"provider", "first"}}}, flaky)));
    task = t.id();
    EXPECT_EQ(t.get(), 3) << "what is wrapped returns what it returned";
  });
  const auto all = attempts.all();
  ASSERT_EQ(all.size(), 3u);
  for (unsigned i = 0; i < 3; ++i) {
    EXPECT_EQ(all[i].task, task);
    EXPECT_EQ(all[i].name, "ask");
    EXPECT_EQ(all[i].attempt, i + 1);
    EXPECT_EQ(all[i].took(), 5ms);
    EXPECT_EQ(all[i].outcome, i < 2 ? attempt_end::failed : attempt_end::succeeded);
    EXPECT_EQ(all[i].metadata, (owned_fields{{"provider", "first"}}));
    EXPECT_EQ(all[i].reason_code, "");
  }
  EXPECT_EQ(all[0].started, start);
  EXPECT_EQ(all[1].started, start + 105ms);
  EXPECT_EQ(all[1].error->what, "no 2");
  EXPECT_FALSE(all[2].error);
}

TEST_F(AttemptRecorder, TellsFailuresFromCancellations) {
  manual_runtime rt;
  const attempt_recorder attempts;
  rt.run([&](scope& s) {
    const auto sleep = [](context& ctx) { ctx.sleep_for(1h); };
    EXPECT_THROW(timeout(1ms, attempts.wrap(sleep))(s), timed_out);  // stopped from outside
    EXPECT_THROW(attempts.wrap(timeout(1ms, sleep))(s), timed_out);  // a failure of its own
    auto t = s.spawn(attempts.wrap(sleep));
    s.sleep_for(1ms);
    t.cancel("enough");
    t.wait();
    auto other = s.spawn(sleep);
    other.cancel("quota");
    EXPECT_THROW(attempts.wrap([&] { other.get(); })(s), task_cancelled);
  });
  std::vector<attempt_end> ends;
  for (const auto& a : attempts.all()) ends.push_back(a.outcome);
  EXPECT_EQ(ends,
            (std::vector{attempt_end::cancelled, attempt_end::failed, attempt_end::cancelled, attempt_end::cancelled}));
  EXPECT_FALSE(attempts.all()[0].error) << "it did not fail";
  EXPECT_TRUE(attempts.all()[1].error);
}

TEST_F(AttemptRecorder, AsksForAReasonCodeAndKeepsOnlyWhatIsOne) {
  manual_runtime rt;
  const attempt_recorder attempts;
  const std::string longest(128, 'a'), longer(129, 'a');
  const std::vector<std::pair<std::string, bool>> codes{
      {"rate_limited", true}, {"x", true},    {longest, true}, {"e4_2", true}, {"", false},    {longer, false},
      {"Rate", false},        {"4xx", false}, {"_x", false},   {"a-b", false}, {"a b", false}, {"a\n", false}};
  std::uint64_t refused = 0;
  rt.run([&](scope& s) {
    for (const auto& each : codes) {
      const auto& code = each.first;
      const bool good = each.second;
      auto failing = attempts.wrap({.reason_code =
                                        [&](const std::exception_ptr& e) {
                                          EXPECT_NE(e, nullptr);
                                          return code;
                                        }},
                                   [] { throw std::runtime_error("x"); });
      EXPECT_THROW(failing(s), std::runtime_error);
      EXPECT_EQ(attempts.all().back().reason_code, good ? code : "") << '"' << code << '"';
      refused += good ? 0 : 1;
      EXPECT_EQ(attempts.refused_codes(), refused) << '"' << code << '"';
    }
    int asked = 0;
    const auto code = [&](const std::exception_ptr&) -> std::string {
      ++asked;
      throw std::logic_error("the code");
    };
    attempts.wrap({.reason_code = code}, [] {})(s);
    EXPECT_EQ(asked, 0) << "a success has no reason";
    EXPECT_THROW(attempts.wrap({.reason_code = code}, [] { throw std::runtime_error("x"); })(s), std::runtime_error)
        << "an observer cannot change what it observes";
    EXPECT_EQ(asked, 1);
  });
}

TEST_F(AttemptRecorder, RedactsAndBoundsMetadata) {
  manual_runtime rt;
  const attempt_recorder attempts({.max_metadata = 20, .redaction = redaction({.remove = {"debug"}})});
  rt.run([&](scope& s) {
    // 3 + 10 bytes of the key as it is kept, then 3 + 4 bytes fill it up; what is removed takes no room.
    attempts.wrap({.metadata = {{"key", "0123456789"}, {"debug", "0123456789"}, {"abc", 1234}}}, [] {})(s);
    attempts.wrap({.metadata = {{"token", "a secret that would be too long"}, {"big", "0123456789"}, {"n", 1}}},
                  [] {})(s);
  });
  const auto all = attempts.all();
  EXPECT_EQ(all[0].metadata, (owned_fields{{"key", "0123456789"}, {"abc", "1234"}}));
  EXPECT_FALSE(all[0].metadata_cut);
  EXPECT_EQ(all[1].metadata, (owned_fields{{"token", "[redacted]"}, {"n", "1"}}));
  EXPECT_TRUE(all[1].metadata_cut) << "a field that does not fit is left out, whole";
}

TEST_F(AttemptRecorder, KeepsTheLastAndCountsTheRest) {
  manual_runtime rt;
  const attempt_recorder attempts({.max_attempts = 3});
  rt.run([&](scope& s) {
    for (int i = 1; i <= 5; ++i) attempts.wrap({.metadata = {{"i", i}}}, [] {})(s);
  });
  std::string kept;
  for (const auto& a : attempts.all()) kept += a.metadata.front().second;
  EXPECT_EQ(kept, "345");
  EXPECT_EQ(attempts.dropped(), 2u);
  EXPECT_EQ(attempts.size(), 3u);
}

TEST_F(AttemptRecorder, WrapsWhatReturnsReferencesAndMoveOnlyValuesAndMayGoFirst) {
  manual_runtime rt;
  int there = 1;
  std::optional<attempt_recorder> attempts(std::in_place);
  const auto copy = *attempts;
  auto reference = attempts->wrap([&]() -> int& { return there; });
  auto moved = attempts->wrap([p = std::make_unique<int>(7)]() mutable { return std::move(p); });
  attempts.reset();
  rt.run([&](scope& s) {
    EXPECT_EQ(&reference(s), &there);
    EXPECT_EQ(*moved(s), 7);
  });
  EXPECT_EQ(copy.size(), 2u);
}

TEST(AttemptRecorderDeathTest, RefusesWhatCannotBe) {
  EXPECT_REFUSED(attempt_recorder({.max_attempts = 0}), "max_attempts is 0; it may be 1 to 1,000,000");
  EXPECT_REFUSED(attempt_recorder({.max_metadata = (1u << 20) + 1}), "max_metadata is 1048577 bytes");
}

}  // namespace
}  // namespace workit
