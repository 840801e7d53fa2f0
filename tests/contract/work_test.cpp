// work() with stages behind the process boundary: its bounds hold, and what it stops is dead before it returns.
#include <algorithm>

#include "victims.hpp"

namespace workit::test {
namespace {

using machine = std::chrono::steady_clock;

class WorkerStages : public runtime_test {
 protected:
  marker_folder markers;
};

/// Row 3 is the loop that knows nothing of stop tokens.
int row_or_spin(int row, const std::string& started, const std::string& ended, std::int64_t ms) {
  return row == 3 ? spin_and_mark(started, ended, ms) : row;
}

TEST_F(WorkerStages, AStreamThatIsLeftHasKilledWhatWasUnderWay) {
  runtime rt({}, processes({.workers = 2, .spares = 1}));
  kept_receipt receipt;
  machine::time_point returned;
  int produced = 0;
  std::vector<int> taken;
  rt.run({.on_receipt = receipt.keeper()}, [&](scope& s) {
    auto rows = [&produced]() -> std::optional<int> { return produced++; };
    auto stage = [this](int row) {
      return offload({}, row_or_spin, row, markers.file("spin"), markers.file("ended"), natural_end.count());
    };
    for (const int row : work(rows).in_parallel(2).map(stage).stream(s)) {
      taken.push_back(row);
      if (taken.size() < 5) continue;
      markers.await("spin", s);
      break;
    }
    returned = machine::now();
  });
  std::ranges::sort(taken);  // they came as they were ready
  EXPECT_EQ(taken, (std::vector<int>{0, 1, 2, 4, 5}));
  EXPECT_LE(produced, 7) << "two more than were taken";
  let_out(markers.file("spin"));
  EXPECT_FALSE(markers.has("ended")) << "the loop ran on to its natural end: it was not stopped";
  EXPECT_LE(heartbeat(markers.file("spin.beat")).last(), returned) << "the loop ran on after its stop";
  const auto& stop = receipt.get().stops.at(0);
  EXPECT_EQ(stop.receipt.method, stop_method::killed);
  EXPECT_EQ(describe(stop.receipt.why), "manual: stream_consumer_closed");
}

TEST_F(WorkerStages, ControlArmALoopThatIsWaitedForReachesItsEnd) {
  runtime rt({}, processes({.workers = 2}));
  const std::vector<int> rows{3};
  const auto got = rt.run(work(rows).for_each([this](int row) {
    return offload({}, row_or_spin, row, markers.file("spin"), markers.file("ended"), natural_end.count());
  }));
  EXPECT_EQ(got, std::vector<int>{42});
  EXPECT_TRUE(markers.has("ended"));
}

// The first attempt runs away, is killed at its limit, and is in the report with all its attempts.
TEST_F(WorkerStages, AnItemThatRunsAwayIsKilledAndAccountedFor) {
  runtime rt({}, processes({.workers = 2, .spares = 1}));
  const std::vector<int> rows{1, 3, 5};
  machine::time_point returned;
  const auto got = rt.run([&](scope& s) {
    auto all = work(rows).in_parallel(2).timeout(300ms).on_error(on_error::continue_).for_each([this](int row) {
      return offload({}, row_or_spin, row, markers.file("spin"), markers.file("ended"), natural_end.count());
    })(s);
    returned = machine::now();
    return all;
  });
  EXPECT_EQ(got.results, (std::vector<int>{1, 5}));
  ASSERT_EQ(got.errors.size(), 1u);
  EXPECT_EQ(got.errors[0].item, 3);
  EXPECT_THROW(std::rethrow_exception(got.errors[0].error), timed_out);
  let_out(markers.file("spin"));
  EXPECT_FALSE(markers.has("ended"));
}

}  // namespace
}  // namespace workit::test
