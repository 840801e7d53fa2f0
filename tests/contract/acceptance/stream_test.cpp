// Leaving a stream over 10^9 rows stops the work under way; few rows are read beyond those taken, and a slow consumer
// holds the source back.
#include "acceptance.hpp"

namespace workit::test {
namespace {

/// Rows 0, 1, 2, ...: counts what was read, and tells when it was destroyed.
struct cursor {
  int& produced;
  std::shared_ptr<void> open;
  int end = 1'000'000'000;

  std::optional<int> operator()() {
    if (produced == end) return std::nullopt;
    return produced++;
  }
};

class LazyStream : public acceptance {};

// From the 26th row on, the stage is work that goes on to its natural end.
TEST_P(LazyStream, LeftAfterTwentyFiveRowsReturnsWhenWhatWasUnderWayIsDead) {
  const int width = GetParam().where == boundary::fiber ? 16 : 2;
  run_scenario(
      [width](scenario_fixture& fixture) {
        auto& slow = fixture.make_part();
        int produced = 0, consumed = 0;
        bool closed = false;
        fixture.run([&](scope& s) {
          {
            auto values = work(cursor{produced, {nullptr, [&](void*) { closed = true; }}})
                              .in_parallel(width)
                              .map([&](context& ctx, int row) { return row < 25 ? row : slow.body()(ctx); })
                              .stream(s);
            for (const int row : values) {
              EXPECT_LT(row, 25);
              if (++consumed < 25) continue;
              slow.await(s, width);
              break;
            }
          }
          fixture.returned();
          EXPECT_TRUE(closed) << "the source outlived its stream";
          EXPECT_TRUE(heard_only<reason::manual>(slow));
          EXPECT_EQ(slow.heard.size(), static_cast<std::size_t>(width));
        });
        fixture.outlast();
        EXPECT_EQ(consumed, 25);
        EXPECT_LE(produced, 25 + width);
        EXPECT_LE(slow.begun(), width) << "a row was begun after its consumer had left";
      },
      {.workers = 2, .spares = 1});
}

TEST_P(LazyStream, ControlArmReadToItsEndWhatWasUnderWayComesToItsNaturalEnd) {
  run_scenario([](scenario_fixture& fixture) {
    auto& slow = fixture.make_part();
    int produced = 0;
    fixture.run([&](scope& s) {
      int consumed = 0;
      auto values = work(cursor{produced, nullptr, 26}).in_parallel(2).map([&](context& ctx, int row) -> int {
        if (row < 25) return row;
        fixture.let_out();
        return slow.body()(ctx);
      });
      for ([[maybe_unused]] const int row : values.stream(s)) ++consumed;
      EXPECT_EQ(consumed, 26);
    });
    EXPECT_EQ(slow.ended(), 1);
  });
}

INSTANTIATE_TEST_SUITE_P(On, LazyStream, every_boundary(), name_of);

/// Takes 200 rows, 5 ms each, of what `rows` yields.
template <class Values>
void take_slowly(scope& s, Values&& rows) {
  int consumed = 0;
  for ([[maybe_unused]] const int row : rows) {
    s.sleep_for(5ms);
    if (++consumed == 200) break;
  }
  EXPECT_EQ(consumed, 200);
}

class SlowConsumerOnManualClock : public acceptance {};

TEST_P(SlowConsumerOnManualClock, HoldsTheSourceBack) {
  run_scenario([](scenario_fixture& fixture) {
    int produced = 0, active = 0, most = 0;
    fixture.run([&](scope& s) {
      const auto start = s.now();
      take_slowly(s, work(cursor{produced, nullptr, 5000})
                         .in_parallel(16)
                         .map([&](context& ctx, int row) {
                           most = std::max(most, ++active);
                           ctx.defer([&] { --active; });
                           ctx.sleep_for(1ms);
                           return row;
                         })
                         .stream(s));
      EXPECT_EQ(s.now(), start + 1ms + 200 * 5ms) << "the consumer waits for the first row only";
      EXPECT_EQ(active, 0);
    });
    EXPECT_LE(produced, 200 + 17);
    EXPECT_EQ(most, 16);
  });
}

TEST_P(SlowConsumerOnManualClock, ControlArmBehindAChannelWithRoomForAllItHoldsNothingBack) {
  run_scenario([](scenario_fixture& fixture) {
    int produced = 0;
    fixture.run([&](scope& s) {
      channel<int> rows({.capacity = 5000});
      auto reader = s.spawn([&] {
        cursor all{produced, nullptr, 5000};
        while (const auto row = all()) rows.send(*row);
      });
      take_slowly(s, rows);
      reader.get();
    });
    EXPECT_EQ(produced, 5000);
  });
}

INSTANTIATE_TEST_SUITE_P(On, SlowConsumerOnManualClock, on_manual_clock(), name_of);

}  // namespace
}  // namespace workit::test
