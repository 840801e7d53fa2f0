// timeout(): a body bounded by a duration.
#include <workit/base/event.hpp>
#include "branches.hpp"

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;
using test::sleeper;

class Timeout : public test::runtime_test {};

TEST_F(Timeout, CancelsTheBodyJoinsItAndFails) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  bool cleaned = false;
  duration limit{};
  rt.run([&](scope& s) {
    try {
      timeout(50ms, [&](context& ctx) {
        ctx.defer([&](context& c) {
          c.sleep_for(1ms);
          cleaned = true;
        });
        try {
          ctx.sleep_for(1h);
        } catch (const cancelled& c) {
          limit = std::get<reason::timeout>(c.why()).limit;
          throw;
        }
      })(s);
      ADD_FAILURE();
    } catch (const timed_out& e) {
      EXPECT_EQ(e.limit(), 50ms);
      EXPECT_STREQ(e.what(), "timeout took longer than 50 ms");
      EXPECT_TRUE(cleaned) << "the body is gone before the time-out is delivered";
      EXPECT_EQ(s.now(), start + 51ms);
    }
    EXPECT_FALSE(s.stopping());
  });
  EXPECT_EQ(limit, 50ms) << "the body sees a typed reason";
}

TEST_F(Timeout, LetsABodyThatIsInTimeBe) {
  manual_runtime rt;
  auto limited = timeout(50ms, sleeper(49ms, 7));
  rt.run([&](scope& s) {
    EXPECT_EQ(limited(s), 7);
    s.sleep_for(1h);
    EXPECT_EQ(limited(s), 7) << "the clock starts at the invocation";
  });
}

TEST_F(Timeout, BelievesABodyThatComesToItsEndAllTheSame) {
  manual_runtime rt;
  const auto deaf = [](context& ctx) {
    try {
      ctx.sleep_for(1h);
    } catch (const cancelled&) {
    }
    return 7;
  };
  EXPECT_EQ(rt.run(timeout(50ms, deaf)), 7);
  EXPECT_EQ(rt.run(uncancellable(50ms, deaf)), 7);
  EXPECT_EQ(rt.run(deadline_at(rt.clock.now() + 50ms, deaf)), 7);
  EXPECT_THROW(rt.run({.deadline = 50ms}, deaf), timed_out) << "a scope ends by its deadline";
}

TEST_F(Timeout, OverATaskThatIsWaitedForEndsOneWayAlsoWhenTheTaskIsSeenFirst) {
  manual_runtime rt;
  task_status seen{};
  const auto waits_late = [&](context& ctx) {
    ctx.scope([&](scope& inner) {
      auto t = inner.spawn(sleeper(1h, 7));
      try {
        uncancellable(1h, sleeper(1min, 0))(inner);
        inner.check();
      } catch (const cancelled&) {
      }
      seen = t.status();
      t.wait();
    });
  };
  EXPECT_THROW(rt.run(timeout(50ms, waits_late)), timed_out);
  EXPECT_EQ(seen, task_status::cancelled) << "the control: it had ended when it was waited for";
}

TEST_F(Timeout, StopsWhatTheBodyHasStarted) {
  manual_runtime rt;
  std::string heard;
  EXPECT_THROW(rt.run(timeout(1s, all(sleeper(1h, 1, &heard), sleeper(1h, 2)))), timed_out);
  EXPECT_EQ(heard, "timeout");
}

TEST_F(Timeout, OfTwoNestedOnesTheEarlierDecides) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  EXPECT_EQ(test::error_of([&] { rt.run(timeout(1s, timeout({.name = "inner", .limit = 2s}, sleeper(1h, 1)))); }),
            "timeout took longer than 1000 ms");
  EXPECT_EQ(rt.clock.now(), start + 1s);
  EXPECT_EQ(test::error_of([&] { rt.run(timeout(2s, timeout({.name = "inner", .limit = 1s}, sleeper(1h, 1)))); }),
            "inner took longer than 1000 ms");
}

TEST_F(Timeout, GivesWayToTheCancellationOfItsScope) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    auto t = s.spawn(timeout(1h, sleeper(2h, 1)));
    s.sleep_for(1s);
    t.cancel("enough");
    EXPECT_TRUE(t.result().is_cancelled());
  });
}

TEST_F(Timeout, DoesNotBeginInAScopeThatIsStopping) {
  manual_runtime rt;
  bool ran = false;
  rt.run([&](scope& s) {
    s.cancel("before");
    test::reason_of([&] { timeout(1s, [&] { ran = true; })(s); });
  });
  EXPECT_FALSE(ran);
}

TEST_F(Timeout, ReportsABodyThatDoesNotAnswer) {
  manual_runtime rt;
  test::event_log<event::loser_unresponsive> log;
  const auto start = rt.clock.now();
  rt.run([&](scope& s) {
    s.on_event(log.recorder(start)).keep();
    auto deaf = [](context& ctx) {
      ctx.defer([](context& c) { c.sleep_for(3500ms); });
      ctx.sleep_for(1h);
    };
    EXPECT_THROW(timeout({.name = "deaf", .limit = 1s, .grace = 2s}, deaf)(s), timed_out);
    EXPECT_EQ(s.now(), start + 4500ms);
    s.sleep_for(1min);
  });
  ASSERT_EQ(log.entries.size(), 2u) << "at 3 and 4 s; at 5 s it had ended";
  EXPECT_EQ(log.entries[0].first, 3s);
  EXPECT_EQ(log.entries[0].second.waited, 2s);
  EXPECT_EQ(log.names[0], "deaf");
}

TEST_F(Timeout, SaysNothingOfOneThatIsInTime) {
  manual_runtime rt;
  test::event_log<event::loser_unresponsive> log;
  rt.run([&](scope& s) {
    s.on_event(log.recorder(s.now())).keep();
    timeout(10s, sleeper(9s, 1))(s);
    s.sleep_for(1min);
  });
  EXPECT_TRUE(log.entries.empty());
}

TEST(TimeoutWithoutTime, IsOverBeforeItsFunctionBegins) {
  for (const duration none : {duration(0ms), duration(-1s), duration::min()}) {
    manual_runtime rt;
    bool began = false;
    EXPECT_THROW(rt.run(timeout(none, [&] { began = true; })), timed_out) << none.count();
    EXPECT_FALSE(began);
  }
  manual_runtime rt;
  bool began = false;
  rt.run(timeout(1ms, [&] { began = true; }));
  EXPECT_TRUE(began) << "the control: a millisecond is enough to begin";
}

}  // namespace
}  // namespace workit
