// Stops behind the process boundary, seen from the scope that owns the work.
#include <nlohmann/json.hpp>
#include <random>

#include "victims.hpp"

namespace workit::test {
namespace {

class Stop : public runtime_test {
 protected:
  marker_folder markers;
};

offload_options in_process() { return {.boundary = boundary::process}; }

TEST_F(Stop, ControlArmALoopThatIsNotStoppedReachesItsEndAndLeavesItsMarker) {
  runtime rt({}, processes({.workers = 1}));
  const auto value = rt.run([&](scope& s) {
    return offload(in_process(), spin_and_mark, markers.file("started"), markers.file("ended"), natural_end.count())(s);
  });
  EXPECT_EQ(value, 42);
  EXPECT_TRUE(markers.has("ended"));
}

TEST_F(Stop, ALoopOfACancelledScopeNeverReachesItsEnd) {
  kept_receipt receipt;
  {
    runtime rt({}, processes({.workers = 1}));
    EXPECT_THROW(rt.run({.name = "request", .on_receipt = receipt.keeper()},
                        [&](scope& s) {
                          s.spawn({.name = "rerank"}, offload(in_process(), spin_and_mark, markers.file("started"),
                                                              markers.file("ended"), natural_end.count()));
                          markers.await("started", s);
                          s.cancel("client_disconnected");
                          s.sleep_for(1h);
                        }),
                 scope_cancelled);
    let_out(markers.file("started"));
    EXPECT_FALSE(markers.has("ended")) << "the loop ran on to its natural end: it was not stopped";
  }
  const auto& r = receipt.get();
  EXPECT_EQ(r.outcome, scope_outcome::cancelled);
  ASSERT_EQ(r.stops.size(), 1u);
  const auto& stop = r.stops[0].receipt;
  EXPECT_EQ(r.stops[0].task, "rerank");
  EXPECT_EQ(stop.where, boundary::process);
  EXPECT_EQ(stop.method, stop_method::killed);
  EXPECT_NE(stop.proof, stop_proof::none);
  EXPECT_LE(stop.requested, stop.stopped);
  EXPECT_LE(heartbeat(markers.file("started.beat")).last(), stop.stopped) << "the loop ran on after its stop";
  EXPECT_LE(stop.stopped, r.closed) << "the scope closed before the stop was proven";
  ASSERT_TRUE(stop.reclaimed);
  const auto json = nlohmann::json::parse(to_json(r));
  EXPECT_EQ(json.at("reason").at("tag"), "client_disconnected");
  EXPECT_EQ(json.at("stops").at(0).at("method"), "killed");
}

TEST_F(Stop, AFailingSiblingStopsTheLoopAndItsErrorIsTheOneThatIsSeen) {
  runtime rt({}, processes({.workers = 1}));
  EXPECT_THROW(rt.run([&](scope& s) {
    auto spin = s.spawn(
        offload(in_process(), spin_and_mark, markers.file("started"), markers.file("ended"), natural_end.count()));
    s.spawn([&](context& ctx) {
      markers.await("started", ctx);
      throw std::out_of_range("the sibling's own");
    });
    spin.get();
  }),
               std::out_of_range);
  let_out(markers.file("started"));
  EXPECT_FALSE(markers.has("ended"));
}

TEST_F(Stop, CleanupsRunOnceLastInFirstOutAfterAKill) {
  std::vector<std::string> order;
  runtime rt({}, processes({.workers = 1}));
  EXPECT_THROW(rt.run([&](scope& s) {
    s.defer([&] { order.push_back("scope"); });
    s.spawn([&](context& ctx) {
      ctx.defer([&] { order.push_back("first"); });
      ctx.defer([&] { order.push_back("second"); });
      offload(in_process(), spin_and_mark, markers.file("started"), markers.file("ended"), natural_end.count())(ctx);
    });
    markers.await("started", s);
    s.cancel("enough");
    s.check();
  }),
               scope_cancelled);
  EXPECT_EQ(order, (std::vector<std::string>{"second", "first", "scope"}));
}

TEST_F(Stop, TheNextTaskRunsOnASpareWhileTheVictimsMemoryIsStillThere) {
  kept_receipt receipt;
  std::chrono::steady_clock::time_point next_done;
  {
    runtime rt({}, processes({.workers = 1, .spares = 1}));
    try {
      rt.run({.on_receipt = receipt.keeper()}, [&](scope& s) {
        s.spawn(offload(in_process(), spin_with_memory, markers.file("started"), markers.file("ended"),
                        natural_end.count(), std::uint64_t{512}));
        markers.await("started", s);
        s.cancel("enough");
        s.check();
      });
      FAIL() << "the scope was not cancelled";
    } catch (const scope_cancelled&) {
    }
    EXPECT_EQ(rt.run([](scope& s) {
      return offload(
          {}, [](int x) { return x + 1; }, 1)(s);
    }),
              2);
    next_done = std::chrono::steady_clock::now();
  }
  const auto& stop = receipt.get().stops.at(0).receipt;
  EXPECT_LT(stop.stopped, *stop.reclaimed);
  EXPECT_LT(next_done, *stop.reclaimed) << "512 MiB were torn down before the next task was done: it waited for them";
}

TEST_F(Stop, ATaskThatIsCancelledAloneLeavesItsScopeAndSiblingsAlone) {
  runtime rt({}, processes({.workers = 2}));
  rt.run([&](scope& s) {
    auto spin = s.spawn(
        offload(in_process(), spin_and_mark, markers.file("started"), markers.file("ended"), natural_end.count()));
    auto other = s.spawn(offload(in_process(), [] { return 7; }));
    markers.await("started", s);
    EXPECT_TRUE(spin.cancel("not needed"));
    EXPECT_THROW(spin.get(), task_cancelled);
    EXPECT_EQ(spin.receipt().stops.at(0).method, stop_method::killed);
    EXPECT_EQ(other.get(), 7);
    EXPECT_FALSE(s.stopping());
  });
}

TEST_F(Stop, WorkInAQueueIsWithdrawnAndNeverStarts) {
  runtime rt({}, processes({.workers = 1, .spares = 0}));
  rt.run([&](scope& s) {
    auto first = s.spawn(
        offload(in_process(), spin_and_mark, markers.file("first"), markers.file("first ended"), std::int64_t{300}));
    markers.await("first", s);
    auto queued = s.spawn(
        offload(in_process(), spin_and_mark, markers.file("queued"), markers.file("queued ended"), std::int64_t{1}));
    s.sleep_for(5ms);
    queued.cancel("not needed");
    EXPECT_EQ(queued.result().is_cancelled(), true);
    EXPECT_EQ(queued.receipt().stops.at(0).method, stop_method::withdrawn);
    EXPECT_EQ(first.get(), 42);
    EXPECT_EQ(offload({}, [] { return 1; })(s), 1);  // had it been left in the queue, it would have run by now
  });
  EXPECT_FALSE(markers.has("queued"));
}

TEST_F(Stop, CompletionAndCancellationRaceToExactlyOneOutcomeAndHurtNoNeighbour) {
  const auto seed = static_cast<unsigned>(std::chrono::steady_clock::now().time_since_epoch().count());
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::minstd_rand random(seed);
  runtime rt({}, processes({.workers = 2, .spares = 2}));
  int values = 0;
  int stops = 0;
  rt.run([&](scope& s) {
    for (int i = 0; i < 300; ++i) {
      const auto work = std::uniform_int_distribution<int>(0, 200)(random);
      const auto delay = std::chrono::microseconds(std::uniform_int_distribution<int>(0, 400)(random));
      auto task = s.spawn(offload(
          {},
          [](int us) {
            const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(us);
            while (std::chrono::steady_clock::now() < end) {
            }
            return us;
          },
          work));
      s.sleep_for(delay);
      task.cancel("race");
      auto ended = task.result();
      ASSERT_FALSE(ended.is_error()) << "a stop hit a neighbour, or a worker died by itself";
      ended.has_value() ? ++values : ++stops;
      if (ended.has_value()) {
        EXPECT_EQ(std::move(ended).value(), work);
      }
    }
  });
  EXPECT_EQ(values + stops, 300);
  RecordProperty("values", values);
}

TEST_F(Stop, FiftyKillsLeaveNoDescriptorThreadOrProcessBehind) {
  runtime rt({}, processes({.workers = 2, .spares = 1}));
  const auto before = census::take();
  for (int i = 0; i < 50; ++i) {
    kept_receipt receipt;
    try {
      rt.run({.on_receipt = receipt.keeper()}, [&](scope& s) {
        const auto name = "started" + std::to_string(i);
        s.spawn(offload({}, spin_and_mark, markers.file(name), markers.file("ended"), std::int64_t{60'000}));
        markers.await(name, s);
        s.cancel("enough");
        s.check();
      });
    } catch (const scope_cancelled&) {
    }
    receipt.get();
  }
  const auto status = rt.find_service<process_service>([](const auto&) { return true; })->pool().status();
  EXPECT_EQ(status.killed, 50u);
  EXPECT_EQ(status.unreclaimed, 0u);
  EXPECT_EQ(status.crashed, 0u);
  // A replacement may be half-way here: its descriptors come and go, but they do not add up.
  const auto after = census::settle({before.threads, before.descriptors + 4});
  EXPECT_EQ(after.threads, before.threads);
  EXPECT_LE(after.descriptors, before.descriptors + 4);
}

}  // namespace
}  // namespace workit::test
