// circuit_breaker: closed, open, half-open.
#include "branches.hpp"

#include <atomic>
#include <support/refused.hpp>
#include <thread>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::failing;
using test::manual_runtime;
using test::sleeper;

class CircuitBreaker : public test::runtime_test {
 protected:
  manual_runtime rt;
  circuit_breaker breaker{{.name = "db", .failure_threshold = 3, .reset_after = 10s, .half_open_calls = 1}};

  void call(context& ctx, bool fails) {
    try {
      breaker.guard([=] {
        if (fails) throw std::runtime_error("down");
      })(ctx);
    } catch (const std::runtime_error&) {
    }
  }
  circuit_state state() { return breaker.state(rt.clock.now()); }
};

TEST_F(CircuitBreaker, OpensAfterSoManyFailuresInARowAndRecovers) {
  rt.run([&](scope& s) {
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(state(), circuit_state::closed);
      call(s, true);
    }
    EXPECT_EQ(state(), circuit_state::open);
    s.sleep_for(4s);
    bool ran = false;
    try {
      breaker.guard([&] { ran = true; })(s);
      ADD_FAILURE();
    } catch (const circuit_open& e) {
      EXPECT_EQ(e.retry_after(), 6s);
      EXPECT_STREQ(e.what(), "circuit \"db\" is open, for another 6000 ms");
    }
    EXPECT_FALSE(ran);
    s.sleep_for(6s);
    EXPECT_EQ(state(), circuit_state::half_open);
    EXPECT_EQ(breaker.guard([] { return 7; })(s), 7);
    EXPECT_EQ(state(), circuit_state::closed);
  });
}

TEST_F(CircuitBreaker, CountsFailuresInARowOnly) {
  rt.run([&](scope& s) {
    for (int i = 0; i < 10; ++i) {
      call(s, true);
      call(s, true);
      call(s, false);
    }
    EXPECT_EQ(state(), circuit_state::closed);
  });
}

TEST_F(CircuitBreaker, CountsATimeOutAsAFailure) {
  rt.run([&](scope& s) {
    for (int i = 0; i < 3; ++i) EXPECT_THROW(breaker.guard(timeout(1s, sleeper(1h, 1)))(s), timed_out);
    EXPECT_EQ(state(), circuit_state::open);
  });
}

TEST_F(CircuitBreaker, CountsACancellationAsNothing) {
  rt.run([&](scope& s) {
    for (int i = 0; i < 5; ++i) {
      call(s, true);
      call(s, true);
      auto t = s.spawn(breaker.guard(sleeper(1h, 1)));
      s.sleep_for(1s);
      t.cancel("enough");
      EXPECT_TRUE(t.result().is_cancelled());
      EXPECT_EQ(state(), circuit_state::closed);
      call(s, false);
    }
  });
}

TEST_F(CircuitBreaker, AdmitsOneTrialCallUnderPressure) {
  rt.run([&](scope& s) {
    for (int i = 0; i < 3; ++i) call(s, true);
    s.sleep_for(10s);
    int ran = 0, refused = 0;
    auto probe = breaker.guard([&](context& ctx) {
      ++ran;
      ctx.sleep_for(1s);
    });
    for (int i = 0; i < 100; ++i)
      s.spawn([&](context& ctx) {
        try {
          probe(ctx);
        } catch (const circuit_open& e) {
          EXPECT_EQ(e.retry_after(), 0s);
          ++refused;
        }
      });
    s.sleep_for(2s);
    EXPECT_EQ(ran, 1);
    EXPECT_EQ(refused, 99);
    EXPECT_EQ(state(), circuit_state::closed);
  });
}

TEST_F(CircuitBreaker, GivesTheTrialOfACancelledCallToAnother) {
  rt.run([&](scope& s) {
    for (int i = 0; i < 3; ++i) call(s, true);
    s.sleep_for(10s);
    auto trial = s.spawn(breaker.guard(sleeper(1h, 1)));
    s.sleep_for(1s);
    EXPECT_THROW(breaker.guard([] {})(s), circuit_open);
    trial.cancel("enough");
    trial.wait();
    EXPECT_EQ(state(), circuit_state::half_open);
    EXPECT_EQ(breaker.guard([] { return 7; })(s), 7) << "else it would refuse for ever";
  });
}

TEST_F(CircuitBreaker, OpensAgainWhenATrialCallFailsAndIgnoresTheOthersOfThatTrial) {
  circuit_breaker two{{.failure_threshold = 1, .reset_after = 10s, .half_open_calls = 2}};
  rt.run([&](scope& s) {
    EXPECT_THROW(two.guard(failing(1ms, "down"))(s), std::runtime_error);
    s.sleep_for(10s);
    auto good = s.spawn(two.guard(sleeper(2s, 1)));
    auto bad = s.spawn({.background = true}, two.guard(failing(1s, "down")));
    bad.wait();
    EXPECT_EQ(two.state(s.now()), circuit_state::open);
    EXPECT_EQ(good.get(), 1);
    EXPECT_EQ(two.state(s.now()), circuit_state::open) << "the success of an older epoch closes nothing";
    s.sleep_for(9s);
    EXPECT_EQ(two.state(s.now()), circuit_state::half_open) << "nor does it move the time";
  });
}

TEST_F(CircuitBreaker, IgnoresWhatBecomesOfCallsThatWereAdmittedWhileItWasClosed) {
  circuit_breaker one{{.failure_threshold = 1, .reset_after = 10s}};
  rt.run([&](scope& s) {
    auto late_success = s.spawn(one.guard(sleeper(5s, 1)));
    auto late_failure = s.spawn({.background = true}, one.guard(failing(15s, "late")));
    s.sleep_for(1s);
    EXPECT_THROW(one.guard(failing(1ms, "down"))(s), std::runtime_error);
    late_success.wait();
    EXPECT_EQ(one.state(s.now()), circuit_state::open);
    s.sleep_for(7s);
    one.guard([] {})(s);
    EXPECT_EQ(one.state(s.now()), circuit_state::closed);
    late_failure.wait();
    EXPECT_EQ(one.state(s.now()), circuit_state::closed);
  });
}

// Two trials: one succeeds and closes the circuit, the other fails long after.
TEST_F(CircuitBreaker, IgnoresALateFailureOfATrialThatAnotherHasWon) {
  circuit_breaker two{{.failure_threshold = 1, .reset_after = 10s, .half_open_calls = 2}};
  rt.run([&](scope& s) {
    EXPECT_THROW(two.guard(failing(1ms, "down"))(s), std::runtime_error);
    s.sleep_for(10s);
    auto late = s.spawn({.background = true}, two.guard(failing(5s, "late")));
    auto good = s.spawn(two.guard(sleeper(1s, 1)));
    EXPECT_EQ(good.get(), 1);
    EXPECT_EQ(two.state(s.now()), circuit_state::closed);
    late.wait();
    EXPECT_EQ(late.status(), task_status::failed);
    EXPECT_EQ(two.state(s.now()), circuit_state::closed);
    EXPECT_THROW(two.guard(failing(1ms, "down"))(s), std::runtime_error);
    EXPECT_EQ(two.state(s.now()), circuit_state::open) << "the control arm: one that counts opens it";
  });
}

TEST(CircuitBreakerThreads, OneServesSeveralLoops) {
  circuit_breaker breaker{{.failure_threshold = 1'000'000'000, .reset_after = 1s}};
  std::atomic<int> ran{0};
  runtime rt({.io_threads = 4});
  std::vector<task<void>> roots;
  for (int i = 0; i < 8; ++i)
    roots.push_back(rt.spawn({}, [&](scope& s) {
      auto call = breaker.guard([&] {
        if (++ran % 2 == 0) throw std::runtime_error("x");
      });
      for (int n = 0; n < 200; ++n) try {
          call(s);
        } catch (const std::runtime_error&) {
        }
    }));
  for (auto& root : roots) root.get();
  EXPECT_EQ(ran, 1600);
}

TEST(CircuitBreakerOptions, RefusesWhatCannotBe) {
  EXPECT_REFUSED(circuit_breaker({.failure_threshold = 0}), "failure_threshold is 0");
  EXPECT_REFUSED(circuit_breaker({.reset_after = 0s}), "reset_after has to be more than zero");
  EXPECT_REFUSED(circuit_breaker({.half_open_calls = 0}), "it could never close again");
  EXPECT_REFUSED(circuit_breaker({.name = ""}), "name has 0 characters");
}

}  // namespace
}  // namespace workit
