// race(): the first to settle decides.
#include <support/refused.hpp>
#include <workit/base/event.hpp>
#include "branches.hpp"

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;
using test::sleeper;

class Race : public test::runtime_test {};

// Three providers: 10, 50 and 80 ms.
TEST_F(Race, IsWonByTheFirstToEndAndToldToTheLosersByItsId) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  work_id winner = 0;
  std::vector<work_id> told;
  int cleaned = 0;
  const auto provider = [&](duration takes, std::string name) {
    return [&, takes, name](context& ctx) {
      ctx.defer([&] { ++cleaned; });
      try {
        ctx.sleep_for(takes);
      } catch (const cancelled& c) {
        told.push_back(std::get<reason::race_lost>(c.why()).winner);
        throw;
      }
      winner = ctx.id();
      return name;
    };
  };
  rt.run([&](scope& s) {
    EXPECT_EQ(race(provider(50ms, "a"), provider(10ms, "b"), provider(80ms, "c"))(s), "b");
    EXPECT_EQ(cleaned, 3) << "they are joined before it returns";
    EXPECT_EQ(s.now(), start + 10ms);
  });
  EXPECT_EQ(told, (std::vector<work_id>{winner, winner}));
}

TEST_F(Race, IsDecidedByAFailureToo) {
  manual_runtime rt;
  std::string heard;
  EXPECT_EQ(test::error_of([&] { rt.run(race(sleeper(1h, 1, &heard), test::failing(1s, "first"))); }), "first");
  EXPECT_EQ(heard, "race_lost");
}

TEST_F(Race, IsDecidedByACandidateThatFailsAtOnce) {
  manual_runtime rt;
  std::string heard;
  const auto start = rt.clock.now();
  auto refuses = []() -> int { throw std::runtime_error("at once"); };
  EXPECT_EQ(test::error_of([&] { rt.run(race(sleeper(1h, 1, &heard), refuses)); }), "at once");
  EXPECT_EQ(heard, "race_lost") << "it had begun before";
  EXPECT_EQ(test::error_of([&] { rt.run(race(refuses, sleeper(1h, 1))); }), "at once");
  EXPECT_EQ(rt.clock.now(), start);
}

TEST_F(Race, ReturnsWhatTheTypesHaveInCommon) {
  manual_runtime rt;
  const auto got = rt.run(race([] { return 1; },
                               [](context& ctx) {
                                 ctx.sleep_for(1s);
                                 return 2.5;
                               }));
  static_assert(std::is_same_v<decltype(got), const double>);
  EXPECT_EQ(got, 1.0);
  int x = 0;
  EXPECT_EQ(&rt.run(race([&]() -> int& { return x; }, [&]() -> int& { return x; })), &x);
  static_assert(std::is_void_v<decltype(rt.run(race([] {}, [] {})))>);
}

TEST_F(Race, OfAVectorReturnsTheFirst) {
  manual_runtime rt;
  std::vector<std::function<int(context&)>> parts;
  for (int i = 0; i < 100; ++i) parts.emplace_back(sleeper(i == 42 ? 1s : 2s, i));
  EXPECT_EQ(rt.run(race(std::move(parts))), 42);
}

TEST_F(Race, IsCancelledWithItsScope) {
  manual_runtime rt;
  std::string heard;
  rt.run([&](scope& s) {
    auto t = s.spawn(race(sleeper(1h, 1, &heard), sleeper(2h, 2)));
    s.sleep_for(1s);
    t.cancel("enough");
    EXPECT_TRUE(t.result().is_cancelled());
  });
  EXPECT_EQ(heard, "manual") << "the first reason stays";
}

TEST_F(Race, ReportsALoserThatDoesNotAnswerAndWaitsForIt) {
  manual_runtime rt;
  test::event_log<event::loser_unresponsive> log;
  const auto start = rt.clock.now();
  rt.run([&](scope& s) {
    s.on_event(log.recorder(start)).keep();
    auto deaf = uncancellable(1min, sleeper(5500ms, 1));
    EXPECT_EQ(race(std::move(deaf), sleeper(1s, 2))(s), 2);
    EXPECT_EQ(s.now(), start + 5500ms);
  });
  ASSERT_EQ(log.entries.size(), 4u) << "at 2, 3, 4 and 5 s";
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(log.entries[i].first, std::chrono::seconds(2 + i));
  EXPECT_EQ(log.entries[3].second.waited, 4s);
  EXPECT_EQ(log.names[0], "race[0]");
}

TEST(RaceOptions, RefusesARaceWithoutCandidates) {
  EXPECT_REFUSED((void)race(std::vector<std::function<int()>>{}), "race\\(\\) was given no functions");
}

}  // namespace
}  // namespace workit
