// on_cancel(): handlers of a scope's cancellation.
#include <gtest/gtest.h>

#include <random>
#include <stdexcept>
#include <support/fixture.hpp>
#include <support/refused.hpp>
#include <support/seed.hpp>
#include <thread>
#include <vector>
#include <workit/base/event.hpp>
#include <workit/fiber/detail/fiber.hpp>
#include <workit/fiber/detail/loop.hpp>
#include <workit/scope/runtime.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;
using entries = std::vector<std::string>;

class OnCancel : public test::runtime_test {
 protected:
  entries log;
  auto note(std::string name) {
    return [this, name = std::move(name)](const cancel_reason& why) { log.push_back(name + ": " + describe(why)); };
  }
  /// Runs a body that leaves by `cancelled`.
  template <class F>
  void run_cancelled(F&& body) {
    manual_runtime rt;
    EXPECT_THROW(rt.run([&](scope& s) {
      body(s);
      s.sleep_for(1h);
    }),
                 scope_cancelled);
  }
};

TEST_F(OnCancel, HearsTheFirstDecisionOnly) {
  run_cancelled([&](scope& s) {
    s.on_cancel(note("handler")).keep();
    EXPECT_TRUE(s.cancel("first"));
    EXPECT_FALSE(s.cancel("second"));
  });
  EXPECT_EQ(log, entries{"handler: manual: first"});
}

TEST_F(OnCancel, HearsNothingOfAScopeThatClosesInPeace) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    s.on_cancel(note("outer")).keep();
    s.scope([&](scope& in) { in.on_cancel(note("inner")).keep(); });
    s.sleep_for(1s);
  });
  EXPECT_EQ(log, entries{});
}

TEST_F(OnCancel, RunsInTheOrderOfRegistrationOnTheLoopsStack) {
  run_cancelled([&](scope& s) {
    s.on_cancel(note("one")).keep();
    s.on_cancel([&](const cancel_reason&) {
       EXPECT_EQ(detail::fiber::current(), nullptr);
       EXPECT_NE(detail::loop::current(), nullptr);
     }).keep();
    s.on_cancel(note("two")).keep();
    s.cancel("stop");
    EXPECT_EQ(log, entries{}) << "not within cancel()";
  });
  EXPECT_EQ(log, (entries{"one: manual: stop", "two: manual: stop"}));
}

TEST_F(OnCancel, LetsOthersRunWhenAHandlerThrows) {
  run_cancelled([&](scope& s) {
    s.on_cancel([](const cancel_reason&) { throw std::runtime_error("handler"); }).keep();
    s.on_cancel(note("next")).keep();
    s.cancel("stop");
  });
  EXPECT_EQ(log, entries{"next: manual: stop"});
}

TEST_F(OnCancel, ForgetsAHandlerWhoseSubscriptionHasEnded) {
  run_cancelled([&](scope& s) {
    auto gone = s.on_cancel(note("gone"));
    s.on_cancel(note("stays")).keep();
    { const auto at_the_brace = s.on_cancel(note("gone, too")); }
    gone.end();
    gone.end();
    s.cancel("stop");
  });
  EXPECT_EQ(log, entries{"stays: manual: stop"});
}

TEST_F(OnCancel, LetsAHandlerEndTheSubscriptionOfAnother) {
  run_cancelled([&](scope& s) {
    subscription other;
    s.on_cancel([&](const cancel_reason&) { other.end(); }).keep();
    other = s.on_cancel(note("other"));
    s.on_cancel(note("last")).keep();
    s.cancel("stop");
    s.sleep_for(1h);
  });
  EXPECT_EQ(log, entries{"last: manual: stop"});
}

TEST_F(OnCancel, LetsAHandlerEndItsOwnSubscription) {
  run_cancelled([&](scope& s) {
    subscription own;
    own = s.on_cancel([&, kept = std::string("long enough to be on the heap")](const cancel_reason&) {
      own.end();
      log.push_back(kept);
    });
    s.cancel("stop");
    s.sleep_for(1h);
  });
  EXPECT_EQ(log, entries{"long enough to be on the heap"});
}

TEST_F(OnCancel, CallsOneThatIsRegisteredTooLateSoon) {
  run_cancelled([&](scope& s) {
    s.cancel("stop");
    try {
      s.sleep_for(1h);
    } catch (const cancelled&) {  // the cancellation was delivered
    }
    s.on_cancel(note("late")).keep();
    s.on_cancel([&](const cancel_reason&) { s.on_cancel(note("from a handler")).keep(); }).keep();
  });
  EXPECT_EQ(log, (entries{"late: manual: stop", "from a handler: manual: stop"}));
}

// The body ends, and with it its scope, without a turn of the loop after the cancellation.
TEST_F(OnCancel, IsHeardBeforeTheScopeClosesHoweverSoonThatIs) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    s.scope([&](scope& in) {
      in.defer([&] { log.emplace_back("cleanup"); });
      in.on_cancel(note("handler")).keep();
      in.cancel("stop");
    });
    log.emplace_back("closed");
  });
  EXPECT_EQ(log, (entries{"handler: manual: stop", "cleanup", "closed"}));
}

TEST_F(OnCancel, HearsTheCancellationOfAScopeAbove) {
  manual_runtime rt;
  EXPECT_THROW(rt.run({.deadline = 1s},
                      [&](scope& s) {
                        s.scope([&](scope& in) {
                          in.on_cancel(note("inner")).keep();
                          in.sleep_for(1h);
                        });
                      }),
               timed_out);
  EXPECT_EQ(log, entries{"inner: deadline passed"});
}

TEST_F(OnCancel, HearsACancellationThatComesWhileTheCleanupsRun) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    auto t = s.spawn([&](context& ctx) {
      ctx.scope([&](scope& in) {
        in.on_cancel(note("handler")).keep();
        in.defer([&](context& c) {
          c.sleep_for(2s);
          log.emplace_back("cleanup");
        });
      });
    });
    s.sleep_for(1s);
    t.cancel("stop");
    t.wait();
  });
  EXPECT_EQ(log, (entries{"handler: manual: stop", "cleanup"}));
}

// Another thread may cancel at the very moment at which the scope closes: either the scope was
// cancelled and its handler was told, or neither.
TEST_F(OnCancel, IsHeardExactlyWhenTheCancelHasWon) {
  std::mt19937_64 random(test::seed());
  int cancelled_ones = 0, peaceful = 0;
  runtime rt;
  for (int round = 0; round < 500; ++round) {
    int heard = 0;
    bool won = false;
    std::thread canceller;
    try {
      rt.run([&](scope& s) {
        s.scope([&](scope& in) {
          in.on_cancel([&](const cancel_reason&) { ++heard; }).keep();
          std::atomic<bool> begun{false};
          canceller = std::thread([&, remote = in.remote(), spin = random() % (round % 2 == 0 ? 2'000 : 200'000)] {
            begun = true;
            for (volatile std::uint64_t i = 0; i < spin;) i = i + 1;
            won = remote.cancel("now");
          });
          while (!begun) std::this_thread::yield();
          for (volatile std::uint64_t i = 0, spin = random() % 2000; i < spin;) i = i + 1;
        });
        s.yield();
      });
    } catch (const scope_cancelled&) {
    }
    canceller.join();
    ASSERT_EQ(heard, won ? 1 : 0) << "round " << round;
    ++(won ? cancelled_ones : peaceful);
  }
  std::printf("%d cancelled, %d closed in peace\n", cancelled_ones, peaceful);
}

TEST_F(OnCancel, TakesTenThousandHandlersAndNotOneMore) {
  manual_runtime rt;
  rt.run({.name = "page"}, [](scope& s) {
    for (int i = 0; i < 10'000; ++i) s.on_cancel([](const cancel_reason&) {}).keep();
    EXPECT_REFUSED(s.on_cancel([](const cancel_reason&) {}).keep(),
                   "scope \"page\" has 10,000 cancel handlers, which is the most it may have");
    for (int i = 0; i < 10'000; ++i) s.on_event([](const lifecycle_event&) {}).keep();
    EXPECT_REFUSED(s.on_event([](const lifecycle_event&) {}).keep(),
                   "scope \"page\" has 10,000 event handlers, which is the most it may have");
  });
}

}  // namespace
}  // namespace workit
