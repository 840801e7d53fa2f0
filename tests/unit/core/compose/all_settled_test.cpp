// all_settled(): an outcome for each branch.
#include "branches.hpp"

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;
using test::sleeper;

class AllSettled : public test::runtime_test {};

TEST_F(AllSettled, ReturnsHowEachEndedInTheOrderGiven) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  auto [value, error, late, nothing, stopped] = rt.run(all_settled(
      sleeper(2s, 7), test::failing(1s, "boom"), timeout(3s, sleeper(1h, 0)), [] {},
      [](context& ctx) {
        ctx.node().cell()->request(reason::user{"not wanted"});
        ctx.check();
      }));
  EXPECT_EQ(std::move(value).value(), 7);
  EXPECT_EQ(test::what_of(error.error()), "boom");
  EXPECT_TRUE(late.is_error()) << "a time-out is an error";
  EXPECT_TRUE(nothing.has_value());
  ASSERT_TRUE(stopped.is_cancelled());
  EXPECT_EQ(describe(stopped.why()), "user: not wanted");
  EXPECT_EQ(rt.clock.now(), start + 3s) << "no failure disturbed another";
}

TEST_F(AllSettled, ReturnsAVector) {
  manual_runtime rt;
  std::vector<std::function<int(context&)>> parts{sleeper(1s, 1), test::failing(1ms, "x"), sleeper(1ms, 3)};
  auto got = rt.run(all_settled(std::move(parts)));
  ASSERT_EQ(got.size(), 3u);
  EXPECT_EQ(std::move(got[0]).value(), 1);
  EXPECT_TRUE(got[1].is_error());
  EXPECT_EQ(std::move(got[2]).value(), 3);
  EXPECT_TRUE(rt.run(all_settled(std::vector<std::function<int()>>{})).empty());
}

TEST_F(AllSettled, IsCancelledWithItsScope) {
  manual_runtime rt;
  std::string heard;
  rt.run([&](scope& s) {
    auto t = s.spawn(all_settled(sleeper(1h, 1, &heard), [] { return 2; }));
    s.sleep_for(1s);
    t.cancel("enough");
    EXPECT_TRUE(t.result().is_cancelled()) << "it does not pass its own cancellation off as an outcome";
  });
  EXPECT_EQ(heard, "manual");
}

}  // namespace
}  // namespace workit
