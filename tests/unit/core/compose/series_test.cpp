// series(): one body after another.
#include "branches.hpp"

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::failing;
using test::manual_runtime;
using test::sleeper;

class Series : public test::runtime_test {};

TEST_F(Series, RunsOneAfterTheOther) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  std::string order;
  auto [a, b, c] = rt.run(series(
      [&](context& ctx) {
        ctx.sleep_for(2s);
        order += 'a';
        return 1;
      },
      [&] { order += 'b'; },
      [&](context& ctx) {
        ctx.sleep_for(1s);
        order += 'c';
        return std::string("three");
      }));
  EXPECT_EQ(order, "abc");
  EXPECT_EQ(a, 1);
  static_assert(std::is_same_v<decltype(b), std::monostate>);
  EXPECT_EQ(c, "three");
  EXPECT_EQ(rt.clock.now(), start + 3s);
}

TEST_F(Series, StopsAtTheFirstFailure) {
  manual_runtime rt;
  int ran = 0;
  EXPECT_EQ(test::error_of([&] { rt.run(series([&] { ++ran; }, failing(1s, "second"), [&] { ++ran; })); }), "second");
  EXPECT_EQ(ran, 1);
}

TEST_F(Series, EndsWhatAStepHasStartedBeforeTheNextBegins) {
  manual_runtime rt;
  bool ended = false;
  rt.run(series(
      [&](context& ctx) {
        background(ctx, [&](context& inner) {
          inner.sleep_for(1s);
          ended = true;
        });
      },
      [&] { EXPECT_TRUE(ended); }));
}

TEST_F(Series, StartsNothingMoreOnceItIsCancelled) {
  manual_runtime rt;
  int ran = 0;
  rt.run([&](scope& s) {
    std::vector<std::function<int()>> steps{[&] {
                                              s.cancel("enough");
                                              return ++ran;
                                            },
                                            [&] { return ++ran; }};
    auto all_steps = series(std::move(steps));
    EXPECT_EQ(kind_of(test::reason_of([&] { all_steps(s); })), "manual");
  });
  EXPECT_EQ(ran, 1);
}

TEST_F(Series, OfAVectorReturnsAVector) {
  manual_runtime rt;
  EXPECT_EQ(rt.run(series(std::vector<std::function<int(context&)>>{sleeper(2s, 1), sleeper(1s, 2)})),
            (std::vector{1, 2}));
  EXPECT_TRUE(rt.run(series(std::vector<std::function<int()>>{})).empty());
}

}  // namespace
}  // namespace workit
