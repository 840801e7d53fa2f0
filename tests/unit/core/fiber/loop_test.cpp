// loop: timers, posted work, and fairness between fibers and I/O.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <random>
#include <support/fixture.hpp>
#include <support/seed.hpp>
#include <thread>
#include <vector>
#include <workit/base/service.hpp>
#include <workit/fiber/detail/fiber.hpp>
#include <workit/scope/executor.hpp>
#include <workit/scope/runtime.hpp>
#include <workit/use_fiber.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

class Loop : public test::runtime_test {};

TEST_F(Loop, SleepsTenHoursInOrderAndInNoTimeUnderAManualClock) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  std::vector<int> order;
  std::mt19937_64 random(test::seed());
  rt.run([&](scope& s) {
    std::vector<int> minutes(600);
    for (std::size_t i = 0; i < minutes.size(); ++i) minutes[i] = static_cast<int>(i) + 1;
    std::shuffle(minutes.begin(), minutes.end(), random);
    for (const int m : minutes)
      s.spawn([&, m](context& ctx) {
        ctx.sleep_for(std::chrono::minutes(m));
        EXPECT_EQ(ctx.now(), start + std::chrono::minutes(m));
        order.push_back(m);
      });
  });
  EXPECT_EQ(order.size(), 600u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_EQ(rt.clock.now(), start + 10h);
}

TEST_F(Loop, DoesNotJumpWhileAFiberIsReady) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    const auto start = s.now();
    auto sleeper = s.spawn([](context& ctx) { ctx.sleep_for(1h); });
    for (int i = 0; i < 1000; ++i) {
      s.yield();
      ASSERT_EQ(s.now(), start);
    }
  });
}

TEST_F(Loop, DoesNotJumpWhileAnAsioOperationIsOutstanding) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  bool operation_ended = false;
  rt.run([&](scope& s) {
    s.spawn([&](context& ctx) {
      ctx.sleep_for(1h);
      EXPECT_TRUE(operation_ended) << "the clock jumped over an operation that was under way";
    });
    s.spawn([&](context& ctx) {
      boost::asio::steady_timer real(executor(ctx), 1ms);  // by the machine's clock
      real.async_wait(use_fiber);
      operation_ended = true;
      EXPECT_EQ(ctx.now(), start);
    });
  });
  EXPECT_EQ(rt.clock.now(), start + 1h) << "and afterwards it did jump";
}

TEST_F(Loop, DoesNotJumpWhileSomethingOutsideIsUnderWay) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    auto& home = *s.node().home;
    home.operation_started();
    bool came_back = false;
    std::jthread outside([&] {
      std::this_thread::sleep_for(1ms);
      home.post([&] {
        came_back = true;
        home.operation_ended();
      });
    });
    s.sleep_for(1h);
    EXPECT_TRUE(came_back);
  });
}

TEST_F(Loop, RunsWhatManyThreadsPostEachInItsOrder) {
  runtime rt;
  constexpr int threads = 4, each = 2'000;
  std::vector<int> next(threads, 0);
  int out_of_order = 0;
  std::atomic<int> ran{0};
  auto& home = *rt.loops().front();
  std::vector<std::jthread> posters;
  for (int t = 0; t < threads; ++t)
    posters.emplace_back([&, t] {
      for (int i = 0; i < each; ++i)
        home.post([&, t, i] {
          if (next[static_cast<std::size_t>(t)]++ != i) ++out_of_order;
          ++ran;
        });
    });
  posters.clear();
  rt.shutdown();
  EXPECT_EQ(ran, threads * each) << "what was posted before the end is run";
  EXPECT_EQ(out_of_order, 0);
}

TEST_F(Loop, RunsWhatIsPostedAfterItsEndOnThePoster) {
  runtime rt;
  const auto home = rt.loops().front();
  rt.shutdown();
  bool ran = false;
  home->post([&] {
    EXPECT_EQ(detail::loop::current(), nullptr);
    home->post([&] { ran = true; });
  });
  EXPECT_TRUE(ran) << "no other thread would, and the posted work would be kept for ever";
}

TEST_F(Loop, RunsPostedWorkOutsideOfFibers) {
  runtime rt;
  std::atomic<int> seen{0};
  rt.loops().front()->post([&] {
    EXPECT_EQ(detail::fiber::current(), nullptr);
    EXPECT_EQ(detail::loop::current(), rt.loops().front().get());
    seen = 1;
  });
  rt.shutdown();
  EXPECT_EQ(seen, 1);
}

TEST_F(Loop, KnowsWhoseThreadThisIs) {
  runtime rt({.io_threads = 2});
  EXPECT_EQ(detail::loop::current(), nullptr);
  EXPECT_EQ(detail::fiber::current(), nullptr);
  rt.run([](scope& s) {
    EXPECT_EQ(detail::loop::current(), s.node().home);
    EXPECT_NE(detail::fiber::current(), nullptr);
  });
}

// The dispatcher gets its turn after 64 switches: beside fibers that yield for ever, a timer is late by at most that
// many. Counted in switches, not in time: a set clock, and a neighbour that counts.
TEST_F(Loop, FiresATimerOnTimeBesideFibersThatYieldForEver) {
  test::set_clock clock;
  runtime rt({.clock = &clock});
  int switches_after_due = 0;
  bool fired = false, due = false;
  rt.run([&](scope& s) {
    for (int i = 0; i < 3; ++i)
      s.spawn([&](context& ctx) {
        while (!fired && switches_after_due < 100'000) {
          if (due) ++switches_after_due;
          ctx.yield();
        }
      });
    s.spawn([&](context& ctx) {
      ctx.sleep_for(10ms);
      fired = true;
    });
    for (int i = 0; i < 500; ++i) s.yield();
    EXPECT_FALSE(fired);
    clock.advance(10ms);
    due = true;
  });
  EXPECT_LE(switches_after_due, 2 * 64);
}

TEST_F(Loop, ServesItsIoBesideFibersThatYieldForEver) {
  manual_runtime rt;
  int switches = 0;
  bool served = false;
  rt.run([&](scope& s) {
    for (int i = 0; i < 3; ++i)
      s.spawn([&](context& ctx) {
        while (!served && switches < 100'000) {
          ++switches;
          ctx.yield();
        }
      });
    boost::asio::post(executor(s), [&] { served = true; });
  });
  EXPECT_LE(switches, 3 * 64);
}

/// Asks for the descriptor of the first loop, as a pool of processes does.
class woken_service : public service {
 public:
  woken_service(int& descriptor, std::atomic<int>& woken) : descriptor_(descriptor), woken_(woken) {}
  [[nodiscard]] std::string_view name() const noexcept override { return "woken"; }
  void before_threads(runtime& rt) override {
    descriptor_ = rt.loops().front()->wake_descriptor();
    rt.loops().front()->on_wake([this] { ++woken_; });
  }

 private:
  int& descriptor_;
  std::atomic<int>& woken_;
};

TEST_F(Loop, IsWokenByItsDescriptor) {
  int descriptor = -1;
  std::atomic<int> woken{0};
  const runtime rt({}, std::make_unique<woken_service>(descriptor, woken));
  for (int i = 1; i <= 3; ++i) {
    ASSERT_EQ(::write(descriptor, "", 1), 1);
    while (woken < i) std::this_thread::yield();
  }
  EXPECT_EQ(woken, 3);
}

TEST_F(Loop, IsWokenAgainForWhatItHasLeftInItsPipe) {
  int descriptor = -1;
  std::atomic<int> woken{0};
  const runtime rt({}, std::make_unique<woken_service>(descriptor, woken));
  ASSERT_GT(::fcntl(descriptor, F_SETPIPE_SZ, 1 << 20), 512 * 1024);
  const std::vector<char> much(512 * 1024);
  ASSERT_EQ(::write(descriptor, much.data(), much.size()), static_cast<ssize_t>(much.size()));
  for (int left = 1; left != 0; std::this_thread::yield()) ASSERT_EQ(::ioctl(descriptor, FIONREAD, &left), 0);
  EXPECT_GE(woken, 7) << "it takes 64 KiB at once";
}

TEST_F(Loop, IsAskedForItsDescriptorBeforeItRuns) {
  EXPECT_DEATH(static_cast<void>(runtime().loops().front()->wake_descriptor()),
               "asked for its wake descriptor while it runs");
}

TEST_F(Loop, FiresTheDeadlinesOfManyScopesInTheirOrder) {
  manual_runtime rt;
  std::vector<int> order;
  rt.run([&](scope& s) {
    for (int i = 50; i > 0; --i)
      s.spawn([&, i](context& ctx) {
        try {
          ctx.scope({.deadline = std::chrono::seconds(i)}, [](scope& in) { in.sleep_for(1h); });
        } catch (const timed_out&) {
          order.push_back(i);
        }
      });
  });
  EXPECT_EQ(order.size(), 50u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(Loop, SleepsByTheMachinesClockWithoutAManualOne) {
  runtime rt;
  rt.run([](scope& s) {
    const auto start = std::chrono::steady_clock::now();
    std::vector<int> order;
    s.scope([&](scope& in) {
      in.spawn([&](context& ctx) {
        ctx.sleep_for(1ms);
        order.push_back(2);
      });
      in.spawn([&](context& ctx) {
        ctx.sleep_for(100us);
        order.push_back(1);
      });
    });
    EXPECT_GE(std::chrono::steady_clock::now() - start, 1ms);
    EXPECT_EQ(order, (std::vector{1, 2}));
  });
}

}  // namespace
}  // namespace workit
