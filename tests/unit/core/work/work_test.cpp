#include <workit/work.hpp>

#include <support/fixture.hpp>

#include <algorithm>
#include <sstream>
#include <workit/compose.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

class Work : public test::runtime_test {
 protected:
  std::vector<int> rows{1, 2, 3, 4, 5};
  int active = 0, most = 0;

  // A function that counts itself for as long as it runs.
  auto counted(duration takes) {
    return [this, takes](context& ctx, int& row) {
      most = std::max(most, ++active);
      ctx.defer([this] { --active; });
      ctx.sleep_for(takes);
      return row * 10;
    };
  }
};

TEST_F(Work, RunsOneItemAfterTheOtherByDefault) {
  manual_runtime rt;
  const auto began = rt.clock.now();
  EXPECT_EQ(rt.run(work(rows).for_each(counted(10ms))), (std::vector<int>{10, 20, 30, 40, 50}));
  EXPECT_EQ(most, 1);
  EXPECT_EQ(rt.clock.now() - began, 50ms);
}

TEST_F(Work, RunsAsManyAsItWasTold) {
  manual_runtime rt;
  const auto began = rt.clock.now();
  EXPECT_EQ(rt.run(work(rows).in_parallel(3).for_each(counted(10ms))), (std::vector<int>{10, 20, 30, 40, 50}));
  EXPECT_EQ(most, 3);
  EXPECT_EQ(rt.clock.now() - began, 20ms);
}

TEST_F(Work, StreamsInTheOrderOfCompletion) {
  manual_runtime rt;
  std::vector<int> got;
  rt.run([&](scope& s) {
    auto last_first = [](context& ctx, int row) {
      ctx.sleep_for(std::chrono::milliseconds(10 - row));
      return row;
    };
    for (const int v : work(rows).in_parallel(5).map(last_first).stream(s)) got.push_back(v);
  });
  EXPECT_EQ(got, (std::vector<int>{5, 4, 3, 2, 1}));
}

}  // namespace
}  // namespace workit
