// detached(): a root of its own.
#include "branches.hpp"

#include <thread>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;
using test::sleeper;

class Detached : public test::runtime_test {};

TEST_F(Detached, IsNeitherWaitedForNorCancelledByItsCaller) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  std::optional<task<int>> handle;
  EXPECT_THROW(rt.run([&](scope& s) {
    handle = detached(s, sleeper(1min, 7));
    s.sleep_for(1ms);
    EXPECT_EQ(s.now(), start + 1ms);
    throw std::runtime_error("body");
  }),
               std::runtime_error);
  EXPECT_EQ(handle->get(), 7);
  EXPECT_EQ(rt.clock.now(), start + 1min);
}

TEST_F(Detached, EndsWithTimedOutWhenItsLifetimeIsOver) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  EXPECT_THROW(detached(rt.rt, sleeper(1h, 7)).get(), timed_out);
  EXPECT_EQ(rt.clock.now(), start + 5min) << "the default";
  EXPECT_THROW(detached(rt.rt, {.max_lifetime = 1s}, sleeper(1h, 7)).get(), timed_out);
  EXPECT_EQ(detached(rt.rt, {.max_lifetime = duration::max()}, sleeper(1h, 7)).get(), 7) << "or none";
}

TEST_F(Detached, IsListedUntilItHasEnded) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    auto a = detached(s, {.name = "a"}, sleeper(1s, 1));
    auto b = detached(s, {.name = "b", .max_lifetime = 1h}, sleeper(2s, 2));
    const auto both = rt.rt.detached().list();
    ASSERT_EQ(both.size(), 2u);
    EXPECT_EQ(both[0].name, "a");
    EXPECT_EQ(both[0].id, a.id());
    EXPECT_EQ(both[1].since, s.now());
    EXPECT_EQ(both[1].until.remaining(s.now()), 1h);
    a.wait();
    ASSERT_EQ(rt.rt.detached().size(), 1u);
    EXPECT_EQ(rt.rt.detached().list()[0].name, "b");
    b.wait();
    EXPECT_EQ(rt.rt.detached().size(), 0u);
  });
}

TEST_F(Detached, IsCancelledThroughTheRegistry) {
  manual_runtime rt;
  std::string heard;
  rt.run([&](scope& s) {
    auto a = detached(s, sleeper(1min, 1, &heard));
    auto b = detached(s, sleeper(1min, 2));
    s.sleep_for(1s);
    EXPECT_EQ(rt.rt.detached().cancel(reason::user{"enough"}), 2u);
    EXPECT_EQ(rt.rt.detached().cancel(reason::user{"again"}), 0u);
    EXPECT_TRUE(a.result().is_cancelled());
    EXPECT_TRUE(b.result().is_cancelled());
    EXPECT_EQ(rt.rt.detached().size(), 0u);
  });
  EXPECT_EQ(heard, "user");
}

TEST_F(Detached, IsWaitedForByDrain) {
  runtime rt;
  std::atomic<bool> go{false};
  auto t = detached(rt, [&](context& ctx) {
    while (!go) ctx.sleep_for(100us);
  });
  EXPECT_FALSE(rt.detached().drain(1ms));
  go = true;
  EXPECT_TRUE(rt.detached().drain(duration::max()));
  t.wait();
  EXPECT_TRUE(rt.detached().drain(0s));
}

TEST_F(Detached, EndsWithTheRuntime) {
  std::optional<task<int>> handle;
  {
    runtime rt;
    handle = detached(rt, sleeper(1h, 7));
  }
  const auto ended = handle->result();
  ASSERT_TRUE(ended.is_cancelled());
  EXPECT_EQ(kind_of(ended.why()), "shutdown");
}

TEST_F(Detached, IsBornCancelledOnceTheRuntimeHasShutDown) {
  runtime rt;
  rt.shutdown();
  EXPECT_TRUE(detached(rt, [] { return 7; }).result().is_cancelled());
  EXPECT_EQ(rt.detached().size(), 0u);
}

TEST_F(Detached, IsReachedByACancellationFromAnyThreadAtAnyTime) {
  runtime rt({.io_threads = 2});
  std::atomic<bool> done{false};
  std::thread canceller([&] {
    while (!done) rt.detached().cancel(reason::user{"all"});
  });
  for (int i = 0; i < 500; ++i) {
    auto t = detached(rt, sleeper(1h, 7));
    EXPECT_TRUE(t.result().is_cancelled());
  }
  done = true;
  canceller.join();
  EXPECT_TRUE(rt.detached().drain(10s));
}

TEST(DetachedWithoutTime, IsOverBeforeItBegins) {
  runtime rt;
  std::atomic<bool> began = false;
  auto task = detached(rt, {.name = "x", .max_lifetime = 0s}, [&] { began = true; });
  EXPECT_THROW(task.get(), timed_out);
  EXPECT_FALSE(began);
}

}  // namespace
}  // namespace workit
