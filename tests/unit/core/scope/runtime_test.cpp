// runtime: roots, shutdown, services and the alarm.
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <stdexcept>
#include <support/fixture.hpp>
#include <thread>
#include <vector>
#include <workit/fiber/detail/loop.hpp>
#include <workit/scope/runtime.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;
using entries = std::vector<std::string>;

static_assert(!std::is_copy_constructible_v<runtime> && !std::is_move_constructible_v<runtime>);

class Runtime : public test::runtime_test {};
using RuntimeDeathTest = Runtime;

std::string refusal(runtime_options options) {
  try {
    const runtime rt(std::move(options));
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "accepted";
}

TEST_F(Runtime, RefusesOptionsThatCannotBeWithASentence) {
  EXPECT_EQ(refusal({.io_threads = 1025}), "runtime_options.io_threads is 1025; it may be 0 to 1024");
  for (const std::size_t size : {std::size_t{0}, (std::size_t{64} << 10) - 1, (std::size_t{1} << 30) + 1})
    EXPECT_EQ(refusal({.stack_size = size}),
              "runtime_options.stack_size is " + std::to_string(size) + " bytes; it may be 64 KiB to 1 GiB");
  EXPECT_EQ(refusal({.cleanup_timeout = 0s}), "runtime_options.cleanup_timeout has to be more than zero");
  manual_clock clock;
  EXPECT_EQ(refusal({.io_threads = 2, .clock = &clock}),
            "a manual clock drives one loop, but runtime_options.io_threads is 2");
  EXPECT_EQ(refusal({.clock = &clock}), "accepted");
  EXPECT_EQ(refusal({}), "accepted");
}

TEST_F(Runtime, RunsABodyOnAFiberAndReturnsItsResult) {
  runtime rt;
  const auto here = std::this_thread::get_id();
  EXPECT_EQ(rt.run([&](scope&) {
    EXPECT_NE(std::this_thread::get_id(), here);
    return 3;
  }),
            3);
}

TEST_F(Runtime, RethrowsWhatTheBodyThrew) {
  runtime rt;
  EXPECT_THROW(rt.run([](scope&) { throw std::out_of_range("far"); }), std::out_of_range);
}

TEST_F(Runtime, IsRunByManyThreadsAtOnce) {
  runtime rt({.io_threads = 2});
  std::atomic<int> sum{0};
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) sum += rt.run([](scope& s) { return s.spawn([] { return 1; }).get(); });
    });
  threads.clear();
  EXPECT_EQ(sum, 400);
}

TEST_F(Runtime, SpreadsRootsOverItsThreadsAndKeepsEachTreeOnOne) {
  runtime rt({.io_threads = 4});
  std::set<std::thread::id> threads;
  for (int i = 0; i < 8; ++i)
    rt.run([&](scope& s) {
      const auto mine = std::this_thread::get_id();
      threads.insert(mine);
      for (int k = 0; k < 10; ++k)
        s.spawn([mine](context& ctx) {
          EXPECT_EQ(std::this_thread::get_id(), mine);
          ctx.yield();
          EXPECT_EQ(std::this_thread::get_id(), mine);
        });
    });
  EXPECT_EQ(threads.size(), 4u);
}

TEST_F(Runtime, SpawnsRootsWithoutWaiters) {
  std::atomic<int> ended{0};
  {
    runtime rt;
    for (int i = 0; i < 10; ++i) rt.spawn({}, [&](scope&) { ++ended; }).wait();
  }
  EXPECT_EQ(ended, 10);
}

TEST_F(Runtime, CountsRootsThatAreAlive) {
  runtime rt;
  EXPECT_EQ(rt.live_roots(), 0u);
  auto t = rt.spawn({}, [](scope& s) { s.sleep_for(24h); });
  EXPECT_EQ(rt.live_roots(), 1u);
  t.cancel("stop");
  t.wait();
  rt.shutdown();
  EXPECT_EQ(rt.live_roots(), 0u);
}

TEST_F(Runtime, CountsTheTimeInTheQueueTowardsADeadline) {
  test::set_clock clock;
  runtime rt({.clock = &clock});
  std::atomic<bool> hogs{false}, release{false};
  auto hog = rt.spawn({.name = "hog"}, [&](scope&) {
    hogs = true;
    while (!release) std::this_thread::yield();
  });
  while (!hogs) std::this_thread::yield();
  auto late = rt.spawn({.name = "late", .deadline = 50ms}, [](scope& s) { s.check(); });
  clock.advance(60ms);  // while it waits for its loop
  release = true;
  EXPECT_THROW(late.get(), timed_out);
  hog.get();
}

TEST_F(Runtime, CancelsWhatIsLeftWhenItEnds) {
  std::optional<task<void>> left;
  std::string why;
  {
    runtime rt;
    left = rt.spawn({.name = "left"}, [&](scope& s) {
      try {
        s.sleep_for(24h);
      } catch (const cancelled& c) {
        why = kind_of(c.why());
        throw;
      }
    });
    while (left->status() != task_status::running) std::this_thread::yield();
  }
  EXPECT_EQ(why, "shutdown");
  auto o = left->result();
  ASSERT_TRUE(o.is_cancelled());
  EXPECT_EQ(kind_of(o.why()), "shutdown");
}

TEST_F(Runtime, NamesTheScopeThatRunWasCancelledIn) {
  auto rt = std::make_unique<runtime>();
  std::atomic<bool> running{false};
  std::string what;
  std::jthread runner([&, r = rt.get()] {
    try {
      r->run({.name = "page"}, [&](scope& s) {
        running = true;
        s.sleep_for(24h);
      });
    } catch (const scope_cancelled& e) {
      what = e.what();
    }
  });
  while (!running) std::this_thread::yield();
  rt->shutdown();
  runner.join();
  EXPECT_EQ(what, "scope \"page\" was cancelled: the runtime is shutting down");
}

TEST_F(Runtime, GivesRunningRootsTheirGraceAtShutdown) {
  runtime rt;
  std::atomic<bool> begun{false};
  auto t = rt.spawn({}, [&](scope& s) {
    begun = true;
    for (int i = 0; i < 100; ++i) s.yield();
    return 8;
  });
  while (!begun) std::this_thread::yield();
  rt.shutdown(duration::max());  // as long as it takes
  EXPECT_EQ(t.get(), 8);
}

TEST_F(Runtime, CancelsRootsWhoseGraceHasRunOut) {
  runtime rt;
  auto t = rt.spawn({}, [](scope& s) { s.sleep_for(24h); });
  rt.shutdown(1ms);
  EXPECT_TRUE(t.result().is_cancelled());
}

TEST_F(Runtime, WaitsAtItsEndForCleanups) {
  bool cleaned = false;
  {
    runtime rt;
    auto t = rt.spawn({}, [&](scope& s) {
      s.defer([&](context& ctx) {
        ctx.sleep_for(1ms);
        cleaned = true;
      });
      s.sleep_for(24h);
    });
    while (t.status() != task_status::running) std::this_thread::yield();
  }
  EXPECT_TRUE(cleaned);
}

TEST_F(Runtime, GivesBirthToCancelledTasksAfterShutdown) {
  runtime rt;
  rt.shutdown();
  rt.shutdown();
  bool ran = false;
  auto o = rt.spawn({}, [&](scope&) { ran = true; }).result();
  ASSERT_TRUE(o.is_cancelled());
  EXPECT_EQ(kind_of(o.why()), "shutdown");
  EXPECT_THROW(rt.run([&](scope&) { ran = true; }), scope_cancelled);
  EXPECT_FALSE(ran);
}

TEST_F(Runtime, LosesNoRootThatIsSpawnedWhileItShutsDown) {
  for (int round = 0; round < 100; ++round) {
    runtime rt({.io_threads = 2});
    std::vector<task<int>> spawned;
    std::atomic<bool> begun{false};
    std::jthread spawner([&] {
      for (int i = 0; i < 50; ++i) {
        spawned.push_back(rt.spawn({}, [](scope& s) {
          s.yield();
          return 1;
        }));
        begun = true;
      }
    });
    while (!begun) std::this_thread::yield();
    rt.shutdown();
    spawner.join();
    for (auto& t : spawned) t.wait();
  }
}

TEST_F(Runtime, MayBeOneOfSeveral) {
  runtime a({.name = "a"}), b({.name = "b"});
  auto from_b = b.spawn({}, [](scope& s) {
    s.yield();
    return 4;
  });
  EXPECT_EQ(a.run([&](scope&) { return from_b.get(); }), 4);
}

TEST_F(RuntimeDeathTest, RunOnAFiberIsMisuse) {
  EXPECT_DEATH(
      {
        runtime rt;
        rt.run([&](scope&) { rt.run([](scope&) {}); });
      },
      "runtime::run was called on an I/O thread, which it would block: open the scope with ctx.scope");
}

TEST_F(RuntimeDeathTest, ShutDownOnAFiberIsMisuse) {
  EXPECT_DEATH(
      {
        runtime rt;
        rt.run([&](scope&) { rt.shutdown(); });
      },
      "a runtime cannot be shut down from one of its own I/O threads");
}

TEST_F(RuntimeDeathTest, HasOneWarden) {
  struct deaf final : alarm {
    void arm(const cancel_cell::ptr&, time_point) override {}
    void disarm(cancel_cell&) noexcept override {}
    void cancelled(const cancel_cell&) noexcept override {}
  };
  EXPECT_DEATH(
      {
        runtime rt;
        rt.install_warden(std::make_shared<deaf>());
        rt.install_warden(std::make_shared<deaf>());
      },
      "a runtime has one warden, and this one has it already");
}

// --- Services

struct fake_service final : service {
  entries& log;
  std::string called;
  std::string throws_in{};

  fake_service(entries& l, std::string name, std::string bad = {})
      : log(l), called(std::move(name)), throws_in(std::move(bad)) {}
  [[nodiscard]] std::string_view name() const noexcept override { return called; }
  void note(const std::string& what) {
    log.push_back(called + ' ' + what);
    if (what == throws_in) throw start_failed(called + " cannot " + what);
  }
  void before_threads(runtime& rt) override {
    EXPECT_EQ(rt.find_service<fake_service>([this](const fake_service& s) { return s.called == called; }), this);
    note("before_threads");
  }
  void start(runtime& rt) override {
    std::atomic<bool> turned{false};
    rt.loops().front()->post([&] { turned = true; });
    while (!turned) std::this_thread::yield();
    note("start");
  }
  void drain(deadline_point) noexcept override { log.push_back(called + " drain"); }
  void stop() noexcept override { log.push_back(called + " stop"); }
};

TEST_F(Runtime, CallsItsServicesInOrderAndEndsThemInReverse) {
  entries log;
  {
    runtime rt({}, std::make_unique<fake_service>(log, "a"), std::make_unique<fake_service>(log, "b"));
    rt.run([&](scope&) { log.push_back("run"); });
  }
  EXPECT_EQ(log, (entries{"a before_threads", "b before_threads", "a start", "b start", "run", "b drain", "a drain",
                          "b stop", "a stop"}));
}

TEST_F(Runtime, StopsServicesAfterTheLastRootHasEnded) {
  entries log;
  {
    runtime rt({}, std::make_unique<fake_service>(log, "a"));
    auto t = rt.spawn({}, [&](scope& s) {
      s.defer([&] { log.push_back("cleanup"); });
      s.sleep_for(24h);
    });
    while (t.status() != task_status::running) std::this_thread::yield();
  }
  EXPECT_EQ(log, (entries{"a before_threads", "a start", "cleanup", "a drain", "a stop"}));
}

TEST_F(Runtime, UnwindsWhenAServiceThrowsBeforeItsThreadsStart) {
  entries log;
  EXPECT_THROW(
      runtime({}, std::make_unique<fake_service>(log, "a"), std::make_unique<fake_service>(log, "b", "before_threads"),
              std::make_unique<fake_service>(log, "c")),
      start_failed);
  EXPECT_EQ(log, (entries{"a before_threads", "b before_threads", "a stop"})) << "what never began is not stopped";
}

TEST_F(Runtime, UnwindsWhenAServiceThrowsInItsStart) {
  entries log;
  try {
    const runtime rt({.io_threads = 3}, std::make_unique<fake_service>(log, "a"),
                     std::make_unique<fake_service>(log, "b", "start"));
    ADD_FAILURE();
  } catch (const start_failed& e) {
    EXPECT_STREQ(e.what(), "b cannot start");
  }
  EXPECT_EQ(log, (entries{"a before_threads", "b before_threads", "a start", "b start", "b stop", "a stop"}));
}

// --- The alarm: a service that keeps the deadlines

struct recording_warden final : alarm {
  std::atomic<int> armed{0}, disarmed{0}, told{0};
  void arm(const cancel_cell::ptr&, time_point) override { ++armed; }
  void disarm(cancel_cell&) noexcept override { ++disarmed; }
  void cancelled(const cancel_cell&) noexcept override { ++told; }
};

TEST_F(Runtime, GivesDeadlinesToTheWardenThatAServiceInstalled) {
  const auto warden = std::make_shared<recording_warden>();
  {
    runtime rt;
    rt.install_warden(warden);
    rt.run({.deadline = 24h}, [](scope& s) { s.scope([](scope&) {}); });
    EXPECT_EQ(warden->armed, 1);
    EXPECT_EQ(warden->disarmed, 1);
    EXPECT_EQ(warden->told, 0);
    EXPECT_THROW(rt.run([](scope& s) {
      s.cancel("stop");
      s.check();
    }),
                 scope_cancelled);
    EXPECT_EQ(warden->told, 1) << "it stops what runs behind boundaries";
  }
}

// Another thread cancels a scope while the runtime ends: the canceller may not use freed state.
TEST_F(Runtime, KeepsItsWardenUntilTheLastCancellationHasLeftIt) {
  struct slow_warden final : alarm {
    std::atomic<bool>&entered, &released, &gone, &used_after_its_end;
    slow_warden(std::atomic<bool>& e, std::atomic<bool>& r, std::atomic<bool>& g, std::atomic<bool>& u)
        : entered(e), released(r), gone(g), used_after_its_end(u) {}
    ~slow_warden() override { gone = true; }
    void arm(const cancel_cell::ptr&, time_point) override {}
    void disarm(cancel_cell&) noexcept override {}
    void cancelled(const cancel_cell&) noexcept override {
      auto &g = gone, &u = used_after_its_end, &r = released;
      entered = true;
      while (!r) std::this_thread::yield();
      for (int i = 0; i < 10'000 && !g; ++i) std::this_thread::yield();
      u = g.load();
    }
  };
  std::atomic<bool> entered{false}, released{false}, gone{false}, used_after_its_end{false};
  auto rt = std::make_unique<runtime>();
  rt->install_warden(std::make_shared<slow_warden>(entered, released, gone, used_after_its_end));
  std::optional<remote_scope> remote;
  std::atomic<bool> running{false};
  auto root = rt->spawn({}, [&](scope& s) {
    remote = s.remote();
    running = true;
    s.sleep_for(24h);
  });
  while (!running) std::this_thread::yield();
  std::jthread canceller([&] { remote->cancel("while it ends"); });
  while (!entered) std::this_thread::yield();
  root.wait();  // the loop has processed it
  std::jthread ender([&] { rt.reset(); });
  released = true;
  canceller.join();
  ender.join();
  EXPECT_TRUE(gone);
  EXPECT_FALSE(used_after_its_end);
}

TEST_F(Runtime, KeepsDeadlinesItselfUnderAManualClock) {
  const auto warden = std::make_shared<recording_warden>();
  manual_runtime rt;
  rt.rt.install_warden(warden);
  EXPECT_THROW(rt.run({.deadline = 1h}, [](scope& s) { s.sleep_for(2h); }), timed_out);
  EXPECT_EQ(warden->armed, 0) << "a warden's thread knows no manual time";
}

}  // namespace
}  // namespace workit
