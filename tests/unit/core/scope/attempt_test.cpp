// The attempt number of a task.
#include <gtest/gtest.h>

#include <stdexcept>
#include <support/fixture.hpp>
#include <vector>
#include <workit/compose/retry.hpp>
#include <workit/scope/runtime.hpp>
#include <workit/scope/snapshot.hpp>

namespace workit {
namespace {

using test::manual_runtime;

class Attempt : public test::runtime_test {};

TEST_F(Attempt, IsOneWithoutRetries) {
  manual_runtime rt;
  rt.run([](scope& s) {
    EXPECT_EQ(s.attempt(), 1U);
    s.spawn([](context& ctx) { EXPECT_EQ(ctx.attempt(), 1U); }).get();
    EXPECT_EQ(s.node().said(), nullptr) << "and costs nothing";
  });
}

TEST_F(Attempt, IsThatOfTheInnermostRetryAndEndsWithIt) {
  manual_runtime rt;
  std::vector<std::pair<unsigned, unsigned>> seen;  // outer, inner
  rt.run([&](scope& s) {
    auto twice = retry({.times = 2}, [&](context& outer) {
      const auto number = outer.attempt();
      outer.scope([&](scope& in) { in.spawn([&](context& c) { EXPECT_EQ(c.attempt(), number); }); });
      retry({.times = 3}, [&](context& inner) {
        seen.emplace_back(number, inner.attempt());
        if (inner.attempt() < 3) throw std::runtime_error("again");
      })(outer);
      EXPECT_EQ(outer.attempt(), number);
      if (number == 1) throw std::runtime_error("once more");
    });
    s.spawn([&](context& ctx) {
       twice(ctx);
       EXPECT_EQ(ctx.attempt(), 1U);
     }).get();
  });
  EXPECT_EQ(seen, (std::vector<std::pair<unsigned, unsigned>>{{1, 1}, {1, 2}, {1, 3}, {2, 1}, {2, 2}, {2, 3}}));
}

TEST_F(Attempt, IsSeenInSnapshots) {
  manual_runtime rt;
  rt.run([](scope& s) {
    auto task = s.spawn(retry({.times = 2}, [](context& ctx) {
      if (ctx.attempt() == 1) throw std::runtime_error("again");
      ctx.sleep_for(std::chrono::hours(1));
    }));
    s.sleep_for(std::chrono::minutes(30));
    const auto seen = s.status();
    ASSERT_EQ(seen.tasks.size(), 1U);
    EXPECT_EQ(seen.tasks[0].attempt, 2U);
    task.wait();
  });
}

}  // namespace
}  // namespace workit
