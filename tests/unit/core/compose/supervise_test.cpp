// supervise(): restarts within a sliding window.
#include <support/refused.hpp>
#include <workit/base/event.hpp>
#include "branches.hpp"

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;
using test::sleeper;

class Supervise : public test::runtime_test {
 protected:
  std::vector<duration> starts;
  // Each run lasts its time and then fails; the one after the last returns.
  auto runs(std::vector<duration> times) {
    return [this, times = std::move(times), begun = std::optional<time_point>()](context& ctx) mutable {
      if (!begun) begun = ctx.now();
      const auto mine = starts.size();
      starts.push_back(ctx.now() - *begun);
      if (mine >= times.size()) return std::string("stable");
      ctx.sleep_for(times[mine]);
      throw std::runtime_error("run " + std::to_string(mine));
    };
  }
};
using list = std::vector<duration>;

TEST_F(Supervise, RestartsWhatFails) {
  manual_runtime rt;
  EXPECT_EQ(rt.run(supervise(runs({1s, 1s}))), "stable");
  EXPECT_EQ(starts, (list{0ms, 1100ms, 2200ms}));
}

TEST_F(Supervise, GivesUpAfterSoManyRestartsWithinTheWindow) {
  manual_runtime rt;
  EXPECT_EQ(test::error_of([&] { rt.run(supervise({.max_restarts = 3}, runs(list(10, 1s)))); }), "run 3");
  EXPECT_EQ(starts.size(), 4u);
}

TEST_F(Supervise, RestartsForEverWhatFailsSeldom) {
  manual_runtime rt;
  EXPECT_EQ(rt.run(supervise({.max_restarts = 1, .window = 60s}, runs(list(50, 61s)))), "stable")
      << "a failure after a minute of health is never the last one";
  EXPECT_EQ(starts.size(), 51u);
}

TEST_F(Supervise, CountsRestartsInASlidingWindow) {
  manual_runtime rt;
  // Restarts at 30, 60, 90 s ...: two in any minute, never three.
  EXPECT_EQ(rt.run(supervise({.max_restarts = 2, .window = 60s, .initial_delay = 0s}, runs(list(20, 30s)))), "stable");
  starts.clear();
  EXPECT_EQ(test::error_of([&] {
              rt.run(supervise({.max_restarts = 2, .window = 60s, .initial_delay = 0s}, runs({30s, 30s, 29s, 1s})));
            }),
            "run 2")
      << "at 89 s, those of 30 and 60 s count";
}

TEST_F(Supervise, LetsDelaysGrowWithTheRestartsWithinTheWindow) {
  manual_runtime rt;
  EXPECT_EQ(rt.run(supervise({.max_restarts = 5, .window = 1h, .backoff = backoff::exponential}, runs(list(4, 1s)))),
            "stable");
  EXPECT_EQ(starts, (list{0ms, 1100ms, 2300ms, 3700ms, 5500ms}));
}

TEST_F(Supervise, RestartsAfterATimeOut) {
  manual_runtime rt;
  int n = 0;
  EXPECT_EQ(rt.run(supervise(timeout(1s,
                                     [&](context& ctx) {
                                       if (++n == 1) ctx.sleep_for(1h);
                                       return n;
                                     }))),
            2);
}

TEST_F(Supervise, RestartsOnlyWhatItsPredicateAccepts) {
  manual_runtime rt;
  EXPECT_EQ(test::error_of([&] {
              rt.run(supervise({.restart_on = [](const std::exception_ptr& e) { return test::what_of(e) == "run 0"; }},
                               runs(list(10, 1s))));
            }),
            "run 1");
}

TEST_F(Supervise, DoesNotRestartWhatIsCancelled) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    auto t = s.spawn(supervise(runs(list(10, 1h))));
    s.sleep_for(1s);
    t.cancel("enough");
    EXPECT_TRUE(t.result().is_cancelled());
    s.sleep_for(10h);
  });
  EXPECT_EQ(starts.size(), 1u);
}

TEST_F(Supervise, TellsOfItsRestarts) {
  manual_runtime rt;
  test::event_log<event::task_retrying> log;
  rt.run([&](scope& s) {
    s.on_event(log.recorder(s.now())).keep();
    s.spawn({.name = "server"}, supervise(runs({1s, 1s})));
  });
  ASSERT_EQ(log.entries.size(), 2u);
  EXPECT_EQ(log.entries[1].second.attempt, 3u);
  EXPECT_EQ(test::what_of(log.entries[1].second.error), "run 1");
  EXPECT_EQ(log.entries[1].second.next_delay, 100ms);
  EXPECT_EQ(log.names[0], "server");
}

TEST(SuperviseOptions, RefusesWhatCannotBe) {
  EXPECT_REFUSED((void)supervise({.max_restarts = 0}, [] {}), "max_restarts is 0; it may be 1 to 1,000");
  EXPECT_REFUSED((void)supervise({.window = 0s}, [] {}), "the window has to be more than zero");
  EXPECT_REFUSED((void)supervise({.initial_delay = -1s}, [] {}), "may not be negative");
}

}  // namespace
}  // namespace workit
