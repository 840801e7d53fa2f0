// Composables over work behind the process boundary that the acceptance scenarios leave out: time-outs, and what is
// tried again after them.
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

  /// Let out, the loop does not end, and it has not moved since `returned`.
  void expect_dead_since(machine::time_point returned, const std::string& name = "spin") const {
    let_out(markers.file(name));
    EXPECT_FALSE(markers.has(name + ".ended")) << "the loop came to its end: it was not stopped";
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

TEST_F(Composables, ControlArmALoopThatIsNotStoppedReachesItsEndAndIsWaitedFor) {
  runtime rt({}, processes({.workers = 1}));
  rt.run([&](scope& s) {
    const auto [quick, loop] = all_settled([] { return 1; }, spin())(s);
    EXPECT_TRUE(loop.has_value());
    EXPECT_TRUE(markers.has("spin.ended"));
  });
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

}  // namespace
}  // namespace workit::test
