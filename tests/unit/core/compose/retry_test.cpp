// retry(): attempts one after another.
#include <support/refused.hpp>
#include <workit/base/event.hpp>
#include "branches.hpp"

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;
using test::sleeper;

class Retry : public test::runtime_test {
 protected:
  std::vector<duration> starts;
  // Fails until the given attempt.
  auto succeeds_at(std::size_t attempt) {
    return [this, attempt, begun = std::optional<time_point>()](context& ctx) mutable {
      if (!begun) begun = ctx.now();
      starts.push_back(ctx.now() - *begun);
      if (starts.size() < attempt) throw std::runtime_error("attempt " + std::to_string(starts.size()));
      return starts.size();
    };
  }
};

TEST_F(Retry, TriesAgainUntilItSucceeds) {
  manual_runtime rt;
  EXPECT_EQ(rt.run(retry({.times = 5}, succeeds_at(3))), 3u);
  EXPECT_EQ(starts.size(), 3u);
}

TEST_F(Retry, ThrowsTheLastErrorWhenAllAttemptsFailed) {
  manual_runtime rt;
  EXPECT_EQ(test::error_of([&] { rt.run(retry({.times = 4}, succeeds_at(99))); }), "attempt 4");
  EXPECT_EQ(starts.size(), 4u);
}

TEST_F(Retry, GrowsItsDelaysAsItWasTold) {
  const auto delays = [&](retry_options options) {
    manual_runtime rt;
    starts.clear();
    options.times = 5;
    options.jitter = false;
    EXPECT_THROW(rt.run(retry(options, succeeds_at(99))), std::runtime_error);
    return starts;
  };
  using list = std::vector<duration>;
  EXPECT_EQ(delays({}), (list{0ms, 100ms, 300ms, 700ms, 1500ms})) << "exponential is the default";
  EXPECT_EQ(delays({.backoff = backoff::fixed, .initial_delay = 50ms}), (list{0ms, 50ms, 100ms, 150ms, 200ms}));
  EXPECT_EQ(delays({.backoff = backoff::linear, .initial_delay = 10ms}), (list{0ms, 10ms, 30ms, 60ms, 100ms}));
  EXPECT_EQ(delays({.backoff = [](std::size_t n) { return std::chrono::seconds(n); }}), (list{0s, 1s, 3s, 6s, 10s}));
  EXPECT_EQ(delays({.initial_delay = 1s, .max_delay = 3s}), (list{0s, 1s, 3s, 6s, 9s})) << "no longer than max_delay";
}

TEST_F(Retry, JittersBetweenHalfAndTheWholeDelayAndRepeatsWithItsSeed) {
  const auto delays = [&](std::optional<std::uint64_t> seed) {
    manual_runtime rt;
    starts.clear();
    EXPECT_THROW(
        rt.run(retry({.times = 100, .backoff = backoff::fixed, .initial_delay = 1s, .seed = seed}, succeeds_at(999))),
        std::runtime_error);
    std::vector<duration> gaps;
    for (std::size_t i = 1; i < starts.size(); ++i) gaps.push_back(starts[i] - starts[i - 1]);
    return gaps;
  };
  const auto first = delays(7);
  EXPECT_EQ(first, delays(7));
  EXPECT_NE(first, delays(8));
  EXPECT_NE(delays({}), delays({}));
  duration least = 1h, most{};
  for (const auto gap : first) {
    EXPECT_GE(gap, 500ms);
    EXPECT_LT(gap, 1s);
    least = std::min(least, gap);
    most = std::max(most, gap);
  }
  EXPECT_LT(least, 550ms) << "99 of them fill the range";
  EXPECT_GT(most, 950ms);
}

TEST_F(Retry, FailsWithASentenceWhenItsBackoffFunctionIsNegative) {
  manual_runtime rt;
  const auto backwards = [](std::size_t) { return duration(-1); };
  EXPECT_EQ(test::error_of([&] { rt.run(retry({.backoff = backwards}, succeeds_at(99))); }),
            "the backoff function returned a negative delay after attempt 1");
  EXPECT_EQ(starts.size(), 1u);
}

TEST_F(Retry, TriesATimeOutAgain) {
  manual_runtime rt;
  int attempts = 0;
  EXPECT_EQ(rt.run(retry({.times = 3}, timeout(1s,
                                               [&](context& ctx) {
                                                 if (++attempts < 3) ctx.sleep_for(1h);
                                                 return attempts;
                                               }))),
            3);
}

TEST_F(Retry, DoesNotTryAgainWhatItsPredicateRefuses) {
  manual_runtime rt;
  const retry_options options{.times = 5,
                              .retry_if = [](const std::exception_ptr& e) { return test::what_of(e) == "attempt 1"; }};
  EXPECT_EQ(test::error_of([&] { rt.run(retry(options, succeeds_at(99))); }), "attempt 2");
}

TEST_F(Retry, NeverTriesACancellationAgain) {
  manual_runtime rt;
  int attempts = 0;
  EXPECT_THROW(rt.run(retry({.times = 5, .retry_if = [](const std::exception_ptr&) { return true; }},
                            [&](context& ctx) {
                              ++attempts;
                              ctx.scope([](scope& s) {
                                s.cancel("not wanted");
                                s.check();
                              });
                            })),
               scope_cancelled);
  EXPECT_EQ(attempts, 1);
}

// Eight attempts of 20 ms with 50 ms between them, cancelled in the delay and in a body.
TEST_F(Retry, StopsAtOnceWhenItIsCancelled) {
  for (const auto when : {50ms, 80ms}) {
    manual_runtime rt;
    int attempts = 0;
    rt.run([&](scope& s) {
      auto t = s.spawn(
          retry({.times = 8, .backoff = backoff::fixed, .initial_delay = 50ms, .jitter = false}, [&](context& ctx) {
            ++attempts;
            ctx.sleep_for(20ms);
            throw std::runtime_error("again");
          }));
      s.sleep_for(when);
      const auto asked = s.now();
      t.cancel("enough");
      const auto ended = t.result();
      ASSERT_TRUE(ended.is_cancelled());
      EXPECT_EQ(describe(ended.why()), "manual: enough");
      EXPECT_EQ(s.now(), asked);
      const auto until_then = attempts;
      s.sleep_for(1h);
      EXPECT_EQ(attempts, until_then) << "without the cancellation there would have been eight";
    });
    EXPECT_EQ(attempts, when == 50ms ? 1 : 2);
  }
}

TEST_F(Retry, EndsWhatAnAttemptHasStartedBeforeTheNextBegins) {
  manual_runtime rt;
  int left_over = 0, attempts = 0;
  EXPECT_THROW(rt.run(retry({.times = 3},
                            [&](context& ctx) {
                              EXPECT_EQ(left_over, 0);
                              ++attempts;
                              ++left_over;
                              ctx.defer([&] { --left_over; });
                              background(ctx, [](context& inner) { inner.sleep_for(1h); });
                              throw std::runtime_error("again");
                            })),
               std::runtime_error);
  EXPECT_EQ(attempts, 3);
  EXPECT_EQ(left_over, 0);
}

TEST_F(Retry, TellsOfItsAttempts) {
  manual_runtime rt;
  test::event_log<event::task_retrying> retrying;
  test::event_log<event::task_attempt> attempts;
  rt.run([&](scope& s) {
    s.on_event(retrying.recorder(s.now())).keep();
    s.on_event(attempts.recorder(s.now())).keep();
    s.spawn({.name = "caller"}, retry({.times = 3, .jitter = false}, [n = 0](context& ctx) mutable {
              ctx.sleep_for(1s);
              if (++n < 3) throw std::runtime_error("no " + std::to_string(n));
            }));
  });
  ASSERT_EQ(retrying.entries.size(), 2u);
  EXPECT_EQ(retrying.names[0], "caller");
  EXPECT_EQ(retrying.entries[0].second.attempt, 2u) << "the one that follows";
  EXPECT_EQ(test::what_of(retrying.entries[0].second.error), "no 1");
  EXPECT_EQ(retrying.entries[0].second.next_delay, 100ms);
  EXPECT_EQ(retrying.entries[1].second.next_delay, 200ms);
  ASSERT_EQ(attempts.entries.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(attempts.entries[i].second.attempt, i + 1);
    EXPECT_EQ(attempts.entries[i].second.took, 1s);
    EXPECT_EQ(attempts.entries[i].second.how, i < 2 ? event::attempt_end::failed : event::attempt_end::succeeded);
  }
}

TEST_F(Retry, OfSeveralNestedInOneTaskTheOutermostTellsOfItsAttempts) {
  manual_runtime rt;
  test::event_log<event::task_attempt> attempts;
  rt.run([&](scope& s) {
    s.on_event(attempts.recorder(s.now())).keep();
    auto fails = [] { throw std::runtime_error("no"); };
    EXPECT_THROW(retry({.times = 2}, retry({.times = 3}, fails))(s), std::runtime_error);
    EXPECT_EQ(attempts.entries.size(), 2u);
    attempts.entries.clear();
    EXPECT_THROW(retry({.times = 2}, all(retry({.times = 3}, fails)))(s), std::runtime_error);
    EXPECT_EQ(attempts.entries.size(), 2u + 2 * 3) << "another task tells for itself";
  });
}

TEST_F(Retry, ChargesBeforeEachAttemptButTheFirst) {
  manual_runtime rt;
  int charges = 0;
  EXPECT_EQ(test::error_of([&] {
              rt.run(retry({.times = 10,
                            .before_retry =
                                [&](context&) {
                                  if (++charges == 3) throw std::logic_error("spent");
                                }},
                           succeeds_at(99)));
            }),
            "spent");
  EXPECT_EQ(starts.size(), 3u);
}

TEST(RetryOptions, RefusesAttemptsThatCannotBe) {
  EXPECT_REFUSED((void)retry({.times = 0}, [] {}), "times is 0; it may be 1 to 1,000");
  EXPECT_REFUSED((void)retry({.times = 1001}, [] {}), "times is 1001; it may be 1 to 1,000");
  EXPECT_REFUSED((void)retry({.initial_delay = -1ms}, [] {}), "may not be negative");
}

}  // namespace
}  // namespace workit
