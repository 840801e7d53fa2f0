// Deadlines of work behind a boundary: kept by the warden, whatever the I/O threads do.
#include "victims.hpp"

namespace workit::test {
namespace {

class Deadline : public runtime_test {
 protected:
  marker_folder markers;
};

TEST_F(Deadline, StopsTheWorkOnTimeWhileEveryIoThreadIsBusyForLonger) {
  constexpr auto deadline_after = 300ms;
  constexpr auto hogged_for = 1500ms;
  kept_receipt receipt;
  std::chrono::steady_clock::time_point asked;
  std::atomic<std::chrono::steady_clock::time_point> first_free{std::chrono::steady_clock::time_point::max()};
  {
    runtime rt({.io_threads = 2}, processes({.workers = 1}));
    const auto hog = [&] {
      spin_for(hogged_for);
      auto now = std::chrono::steady_clock::now();
      for (auto seen = first_free.load(); now < seen && !first_free.compare_exchange_weak(seen, now);) {
      }
    };
    asked = std::chrono::steady_clock::now();  // not in the body, which a busy machine lets begin later
    auto request =
        rt.spawn({.name = "request", .deadline = deadline_after, .on_receipt = receipt.keeper()}, [&](scope& s) {
          s.spawn({.name = "rerank"},
                  offload({}, spin_and_mark, markers.file("started"), markers.file("ended"), natural_end.count()));
          markers.await("started", s);
          hog();
        });
    auto neighbour = rt.spawn({.name = "neighbour"}, [&](scope& s) {
      markers.await("started", s);
      hog();
    });
    neighbour.wait();
    request.wait();
    let_out(markers.file("started"));
    EXPECT_FALSE(markers.has("ended"));
  }
  const auto& stop = receipt.get().stops.at(0).receipt;
  EXPECT_EQ(stop.method, stop_method::killed);
  EXPECT_TRUE(std::holds_alternative<reason::deadline>(stop.why));
  EXPECT_GE(stop.requested, asked + deadline_after);
  // The kernel's own timer would end the worker a little later: what counts is that nothing ran after the stop.
  EXPECT_LE(heartbeat(markers.file("started.beat")).last(), stop.stopped) << "the loop ran on after its stop";
  EXPECT_LT(stop.stopped, first_free.load()) << "the stop had to wait until an I/O thread was free";
  RecordProperty(
      "late_us",
      std::to_string(
          std::chrono::duration_cast<std::chrono::microseconds>(stop.stopped - (asked + deadline_after)).count()));
}

TEST_F(Deadline, OfTheCallItselfIsAnErrorThatTheScopeSurvives) {
  runtime rt({}, processes({.workers = 1}));
  rt.run([&](scope& s) {
    const auto spin =
        offload({.timeout = 50ms}, spin_and_mark, markers.file("started"), markers.file("ended"), natural_end.count());
    try {
      spin(s);
      FAIL() << "the call outlived its time-out";
    } catch (const timed_out& e) {
      EXPECT_EQ(e.limit(), 50ms);
    }
    EXPECT_FALSE(s.stopping());
    const auto why = s.status().stops.at(0).receipt.why;
    ASSERT_TRUE(std::holds_alternative<reason::timeout>(why)) << describe(why);
    EXPECT_EQ(std::get<reason::timeout>(why).limit, 50ms);
    EXPECT_EQ(offload({}, [] { return 5; })(s), 5);
  });
}

TEST_F(Deadline, CountsTheTimeInTheQueue) {
  runtime rt({}, processes({.workers = 1, .spares = 0}));
  rt.run([&](scope& s) {
    auto first =
        s.spawn(offload({}, spin_and_mark, markers.file("first"), markers.file("first ended"), natural_end.count()));
    markers.await("first", s);
    EXPECT_THROW(offload({.timeout = 20ms}, spin_and_mark, markers.file("queued"), markers.file("queued ended"),
                         std::int64_t{1})(s),
                 timed_out);
    EXPECT_FALSE(markers.has("queued"));
    first.cancel("enough");
  });
}

TEST_F(Deadline, OfTheScopeGivesTimedOutWhereItWasOpened) {
  runtime rt({}, processes({.workers = 1}));
  EXPECT_THROW(rt.run({.name = "page", .deadline = 50ms},
                      [&](scope& s) {
                        offload({}, spin_and_mark, markers.file("started"), markers.file("ended"),
                                natural_end.count())(s);
                      }),
               timed_out);
}

}  // namespace
}  // namespace workit::test
