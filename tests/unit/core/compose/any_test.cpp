// any(): the first success wins.
#include "branches.hpp"

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::failing;
using test::manual_runtime;
using test::sleeper;

class Any : public test::runtime_test {};

// A fails at 30 ms, B succeeds at 50 ms, C would at 100 ms.
TEST_F(Any, IsWonByTheFirstSuccess) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  std::string heard;
  bool cleaned = false;
  auto c = [&](context& ctx) {
    ctx.defer([&] { cleaned = true; });
    return sleeper(100ms, 3, &heard)(ctx);
  };
  rt.run([&](scope& s) {
    EXPECT_EQ(any(failing(30ms, "A"), sleeper(50ms, 2), c)(s), 2);
    EXPECT_TRUE(cleaned);
    EXPECT_EQ(s.now(), start + 50ms);
  });
  EXPECT_EQ(heard, "race_lost");
}

TEST_F(Any, ThrowsAllErrorsInTheOrderInWhichTheyCame) {
  manual_runtime rt;
  try {
    rt.run(any(failing(3s, "third"), failing(1s, "first"), timeout(2s, sleeper(1h, 0))));
    ADD_FAILURE();
  } catch (const aggregate_error& e) {
    EXPECT_STREQ(e.what(), "any(): all 3 candidates failed");
    ASSERT_EQ(e.errors().size(), 3u);
    EXPECT_EQ(test::what_of(e.errors()[0]), "first");
    EXPECT_EQ(test::what_of(e.errors()[1]), "timeout took longer than 2000 ms");
    EXPECT_EQ(test::what_of(e.errors()[2]), "third");
  }
}

TEST_F(Any, CountsACancelledCandidateAsAFailedOne) {
  manual_runtime rt;
  auto gives_up = [](context& ctx) -> int {
    ctx.node().cell()->request(reason::user{"gave up"});
    ctx.check();
    return 0;
  };
  EXPECT_EQ(rt.run(any(gives_up, sleeper(1s, 2))), 2);
  try {
    rt.run(any(gives_up, failing(1s, "x")));
    ADD_FAILURE();
  } catch (const aggregate_error& e) {
    EXPECT_THROW(std::rethrow_exception(e.errors()[0]), task_cancelled);
  }
}

TEST_F(Any, PrefersTheCancellationOfItsScopeToTheFailureOfAll) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    auto t = s.spawn(any(
        [](context& ctx) -> int {
          try {
            ctx.sleep_for(1h);
          } catch (const cancelled&) {
          }
          throw std::runtime_error("in consequence");
        },
        failing(1s, "x")));
    s.sleep_for(2s);
    t.cancel("enough");
    const auto ended = t.result();
    ASSERT_TRUE(ended.is_cancelled());
    EXPECT_EQ(describe(ended.why()), "manual: enough");
  });
}

TEST_F(Any, OfAVectorReturnsTheFirstSuccess) {
  manual_runtime rt;
  std::vector<std::function<int(context&)>> parts;
  for (int i = 0; i < 20; ++i) parts.emplace_back(failing(1ms, "x"));
  parts.emplace_back(sleeper(1s, 42));
  EXPECT_EQ(rt.run(any(std::move(parts))), 42);
}

TEST(AnyOptions, RefusesToChooseAmongNone) {
  EXPECT_REFUSED((void)any(std::vector<std::function<int()>>{}), "any\\(\\) was given no functions");
}

}  // namespace
}  // namespace workit
