// pool(): at most so many branches at once.
#include "branches.hpp"

#include <algorithm>
#include <support/refused.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using test::manual_runtime;

class Pool : public test::runtime_test {
 protected:
  int active = 0, most = 0, started = 0, finished = 0;
  std::vector<std::string> heard;

  // An item that counts itself for as long as it lives, its cleanup included.
  std::function<int(context&)> item(int i, duration takes, bool fails = false) {
    return [this, i, takes, fails](context& ctx) {
      ++started;
      most = std::max(most, ++active);
      ctx.defer([this](context& c) {
        c.sleep_for(1ms);
        --active;
      });
      try {
        ctx.sleep_for(takes);
      } catch (const cancelled& c) {
        heard.emplace_back(kind_of(c.why()));
        throw;
      }
      if (fails) throw std::runtime_error("item " + std::to_string(i));
      ++finished;
      return i;
    };
  }
};

TEST_F(Pool, KeepsTheOrderAndTheLimit) {
  manual_runtime rt;
  std::vector<std::function<int(context&)>> items;
  for (int i = 0; i < 50; ++i) items.push_back(item(i, std::chrono::milliseconds(1 + i * 7 % 13)));
  const auto got = rt.run(pool(4, std::move(items)));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(got[static_cast<std::size_t>(i)], i);
  EXPECT_EQ(most, 4) << "an item that cleans up still counts";
}

// Ten items of 100 ms, four at a time, the third fails at 20 ms.
TEST_F(Pool, StartsNothingAfterAFailure) {
  manual_runtime rt;
  std::vector<std::function<int(context&)>> items;
  for (int i = 0; i < 10; ++i) items.push_back(item(i, i == 2 ? 20ms : 100ms, i == 2));
  EXPECT_EQ(test::error_of([&] { rt.run(pool(4, std::move(items))); }), "item 2");
  EXPECT_EQ(started, 4);
  EXPECT_EQ(heard, (std::vector<std::string>(3, "sibling_failed")));
  EXPECT_EQ(finished, 0);
  EXPECT_EQ(active, 0);
}

TEST_F(Pool, OfNoneReturnsAnEmptyVector) {
  manual_runtime rt;
  EXPECT_TRUE(rt.run(pool(1, std::vector<std::function<int()>>{})).empty());
}

TEST_F(Pool, OfMoreThanThereAreRunsAllAtOnce) {
  manual_runtime rt;
  const auto start = rt.clock.now();
  rt.run(pool(1000, std::vector<std::function<int(context&)>>(20, test::sleeper(1s, 1))));
  EXPECT_EQ(rt.clock.now(), start + 1s);
}

TEST_F(Pool, StartsNothingMoreOnceItIsCancelled) {
  manual_runtime rt;
  rt.run([&](scope& s) {
    std::vector<std::function<int(context&)>> items;
    for (int i = 0; i < 10; ++i) items.push_back(item(i, 1h));
    auto t = s.spawn(pool(3, std::move(items)));
    s.sleep_for(1s);
    t.cancel("enough");
    EXPECT_TRUE(t.result().is_cancelled());
  });
  EXPECT_EQ(started, 3);
  EXPECT_EQ(heard, (std::vector<std::string>(3, "manual")));
}

TEST(PoolOptions, RefusesALimitOfNone) {
  EXPECT_REFUSED((void)pool(0, std::vector<std::function<int()>>{}), "pool\\(\\): the limit is 0");
}

}  // namespace
}  // namespace workit
