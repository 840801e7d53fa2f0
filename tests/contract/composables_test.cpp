// Composables over work behind the process boundary: what they stop is dead before they return.
#include "victims.hpp"

namespace workit::test {
namespace {

using machine = std::chrono::steady_clock;

class Composables : public runtime_test {
 protected:
  /// A loop that ignores every stop token and would mark its natural end.
  auto spin(const std::string& name = "spin") const {
    return offload({}, spin_and_mark, markers.file(name), markers.file(name + ".ended"), natural_end.count());
  }

  /// Past its natural end, the loop has not come to it, nor moved since `returned`.
  void expect_dead_since(machine::time_point returned, const std::string& name = "spin") const {
    wait_past_natural_end(returned);
    EXPECT_FALSE(markers.has(name + ".ended")) << "the loop ran on to its natural end: it was not stopped";
    EXPECT_LE(heartbeat(markers.file(name + ".beat")).last(), returned) << "the loop ran on after its stop";
  }

  marker_folder markers;
};

/// Counts its calls in a file, and does `early` in the first two of them.
template <class F>
int stable_at_the_third(const std::string& calls, F early) {
  std::ofstream(calls, std::ios::app).put('x');
  if (std::filesystem::file_size(calls) < 3) early();
  return 7;
}

int crash_twice(const std::string& calls) {
  return stable_at_the_third(calls, [] { raise(SIGSEGV); });
}

int hang_twice(const std::string& calls) {
  return stable_at_the_third(calls, [] {
    for (;;) {
    }
  });
}

TEST_F(Composables, ControlArmALoopThatNobodyStopsReachesItsEndAndIsWaitedFor) {
  runtime rt({}, processes({.workers = 1}));
  rt.run([&](scope& s) {
    const auto [quick, loop] = all_settled([] { return 1; }, spin())(s);
    EXPECT_TRUE(loop.has_value());
    EXPECT_TRUE(markers.has("spin.ended"));
  });
}

TEST_F(Composables, AllReturnsTheErrorOfABranchWhenTheLoopOfAnotherIsDead) {
  runtime rt({}, processes({.workers = 1}));
  machine::time_point returned;
  rt.run([&](scope& s) {
    const auto fails = [&](context& ctx) -> int {
      markers.await("spin", ctx);
      throw std::out_of_range("its own");
    };
    EXPECT_THROW(all(spin(), fails)(s), std::out_of_range);
    returned = machine::now();
  });
  expect_dead_since(returned);
}

TEST_F(Composables, RaceReturnsWhenItsLoserIsDead) {
  runtime rt({}, processes({.workers = 1}));
  kept_receipt receipt;
  machine::time_point returned;
  rt.run({.on_receipt = receipt.keeper()}, [&](scope& s) {
    const auto quick = [&](context& ctx) {
      markers.await("spin", ctx);
      return 7;
    };
    EXPECT_EQ(race(spin(), quick)(s), 7);
    returned = machine::now();
  });
  expect_dead_since(returned);
  const auto& stop = receipt.get().stops.at(0).receipt;
  EXPECT_EQ(stop.method, stop_method::killed);
  EXPECT_TRUE(std::holds_alternative<reason::race_lost>(stop.why));
  EXPECT_LE(stop.stopped, returned);
}

TEST_F(Composables, AnyPassesOverAFailureAndReturnsWhenItsLoserIsDead) {
  runtime rt({}, processes({.workers = 1}));
  machine::time_point returned;
  rt.run([&](scope& s) {
    const auto fails = []() -> int { throw std::out_of_range("not this one"); };
    const auto slower = [&](context& ctx) {
      markers.await("spin", ctx);
      return 8;
    };
    EXPECT_EQ(any(fails, spin(), slower)(s), 8);
    returned = machine::now();
  });
  expect_dead_since(returned);
}

TEST_F(Composables, PoolStopsTheLoopsThatRunStartsNoOtherAndLeavesItsWorkersReady) {
  runtime rt({}, processes({.workers = 4}));
  machine::time_point returned;
  std::atomic<int> begun{0};
  rt.run([&](scope& s) {
    std::vector<std::function<int(context&)>> items;
    for (int i = 0; i < 10; ++i)
      items.push_back([&, i](context& ctx) -> int {
        ++begun;
        if (i != 3) return spin("item" + std::to_string(i))(ctx);
        for (int other = 0; other < 3; ++other) markers.await("item" + std::to_string(other), ctx);
        throw std::out_of_range("the fourth");
      });
    EXPECT_THROW(pool(4, std::move(items))(s), std::out_of_range);
    returned = machine::now();
    EXPECT_EQ(begun, 4);
    std::vector<std::function<int(context&)>> next(4, offload(
                                                          {}, [](int x) { return x + 1; }, 1));
    EXPECT_EQ(all(std::move(next))(s), (std::vector<int>{2, 2, 2, 2}));
  });
  for (int i = 0; i < 3; ++i) expect_dead_since(returned, "item" + std::to_string(i));
  EXPECT_EQ(begun, 4) << "an item was started after the pool had failed";
}

TEST_F(Composables, TimeoutIsAnErrorOnceTheLoopIsDead) {
  runtime rt({}, processes({.workers = 1}));
  kept_receipt receipt;
  machine::time_point returned;
  rt.run({.on_receipt = receipt.keeper()}, [&](scope& s) {
    EXPECT_THROW(timeout(200ms, spin())(s), timed_out);
    returned = machine::now();
    EXPECT_FALSE(s.stopping());
  });
  expect_dead_since(returned);
  EXPECT_TRUE(std::holds_alternative<reason::timeout>(receipt.get().stops.at(0).receipt.why));
}

TEST_F(Composables, RetryTriesALoopThatRanOutOfTimeAgain) {
  runtime rt({}, processes({.workers = 1, .spares = 1}));
  kept_receipt receipt;
  rt.run({.on_receipt = receipt.keeper()}, [&](scope& s) {
    const auto patient = offload({}, hang_twice, markers.file("calls"));
    EXPECT_EQ(retry({.times = 3, .initial_delay = 1ms}, timeout(natural_end / 2, patient))(s), 7);
  });
  EXPECT_EQ(receipt.get().stops.size(), 2u);
}

TEST_F(Composables, SuperviseRestartsAWorkerThatCrashes) {
  runtime rt({}, processes({.workers = 1, .spares = 1}));
  rt.run([&](scope& s) {
    const auto crashes = offload({}, crash_twice, markers.file("calls"));
    EXPECT_EQ(supervise({.max_restarts = 2, .initial_delay = 1ms}, crashes)(s), 7);
    std::filesystem::remove(markers.file("calls"));
    EXPECT_THROW(supervise({.max_restarts = 1, .initial_delay = 1ms}, crashes)(s), worker_crashed) << "the control arm";
  });
}

TEST_F(Composables, UncancellableHoldsACancellationAndKillsTheLoopAtItsOwnLimit) {
  runtime rt({}, processes({.workers = 1}));
  kept_receipt receipt;
  machine::time_point cancelled_at, returned;
  EXPECT_ANY_THROW(rt.run({.on_receipt = receipt.keeper()}, [&](scope& s) {
    s.spawn([&](context& ctx) {
      markers.await("spin", ctx);
      s.cancel("not yet");
      cancelled_at = machine::now();
    });
    try {
      uncancellable(natural_end / 2, spin())(s);
    } catch (...) {
      returned = machine::now();
      throw;
    }
  }));
  expect_dead_since(returned);
  EXPECT_GT(heartbeat(markers.file("spin.beat")).last(), cancelled_at) << "the shield let the cancellation through";
  EXPECT_TRUE(std::holds_alternative<reason::timeout>(receipt.get().stops.at(0).receipt.why) ||
              std::holds_alternative<reason::deadline>(receipt.get().stops.at(0).receipt.why));
}

TEST_F(Composables, BracketKillsAReleaseThatOverrunsAndDeliversItsValue) {
  runtime rt({}, processes({.workers = 1}));
  machine::time_point returned;
  rt.run([&](scope& s) {
    const auto release = [&](context& ctx, int&) { spin()(ctx); };
    const auto acquire = [] { return 1; };
    const auto use = [](int& resource) { return resource + 4; };
    EXPECT_EQ(bracket({.timeout = 200ms}, acquire, use, release)(s), 5);
    returned = machine::now();
  });
  expect_dead_since(returned);
}

TEST_F(Composables, BracketReleasesOnceInTheHostWhenItsUserWasKilled) {
  runtime rt({}, processes({.workers = 1}));
  int released = 0;
  machine::time_point returned;
  EXPECT_THROW(rt.run([&](scope& s) {
    s.spawn([&](context& ctx) {
      markers.await("spin", ctx);
      s.cancel("enough");
    });
    const auto acquire = [] { return 1; };
    const auto use = [&](context& ctx, int&) { return spin()(ctx); };
    bracket(acquire, use, [&](int&) { ++released; })(s);
  }),
               scope_cancelled);
  returned = machine::now();
  EXPECT_EQ(released, 1);
  expect_dead_since(returned);
}

}  // namespace
}  // namespace workit::test
