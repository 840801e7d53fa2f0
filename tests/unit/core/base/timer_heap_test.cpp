// timer_heap: order and disarming, against a simple model.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <support/seed.hpp>
#include <vector>
#include <workit/base/timer_heap.hpp>

#include "noon.hpp"

namespace workit {
namespace {

using namespace std::chrono_literals;

using test::noon;

TEST(TimerHeap, GivesItsEntriesInTheOrderOfTheirInstants) {
  timer_heap heap;
  std::vector<timer_entry> entries(5);
  const int order[] = {3, 0, 4, 1, 2};
  for (const int i : order) heap.arm(entries[static_cast<std::size_t>(i)], noon + std::chrono::seconds(i));
  for (auto& expected : entries) {
    ASSERT_EQ(heap.top(), &expected);
    heap.disarm(expected);
    EXPECT_FALSE(expected.armed());
  }
  EXPECT_TRUE(heap.empty());
}

TEST(TimerHeap, MovesAnArmedEntryBothWays) {
  timer_heap heap;
  timer_entry a, b, c;
  heap.arm(a, noon + 1s);
  heap.arm(b, noon + 2s);
  heap.arm(c, noon + 3s);
  heap.arm(c, noon);
  EXPECT_EQ(heap.top(), &c);
  heap.arm(c, noon + 9s);
  EXPECT_EQ(heap.top(), &a);
  EXPECT_EQ(heap.size(), 3u);
}

TEST(TimerHeap, LetsGoOfAnEntryThatIsNotArmed) {
  timer_heap heap;
  timer_entry never_in;
  heap.disarm(never_in);
  heap.arm(never_in, noon);
  heap.disarm(never_in);
  heap.disarm(never_in);
  EXPECT_TRUE(heap.empty());
}

// Against a simple model: an ordered set.
TEST(TimerHeap, AgreesWithAnOrderedSetOverRandomOperations) {
  std::mt19937_64 random(test::seed());
  timer_heap heap;
  std::vector<timer_entry> entries(200);
  std::map<timer_entry*, time_point> model;
  const auto any = [&] { return &entries[random() % entries.size()]; };
  for (int step = 0; step < 50'000; ++step) {
    auto* e = any();
    if (random() % 3 != 0) {
      const auto at = noon + std::chrono::nanoseconds(random() % 1000);  // few instants, so that many are equal
      heap.arm(*e, at);
      model[e] = at;
    } else {
      heap.disarm(*e);
      model.erase(e);
    }
    if (step % 1000 == 999)  // most of them at once, as a scope's end does
      for (auto& one : entries)
        if (random() % 10 != 0) {
          heap.disarm(one);
          model.erase(&one);
        }
    ASSERT_EQ(heap.size(), model.size()) << "step " << step;
    ASSERT_EQ(e->armed(), model.contains(e)) << "step " << step;
    if (model.empty()) continue;
    auto earliest = time_point::max();
    for (const auto& [entry, at] : model) earliest = std::min(earliest, at);
    ASSERT_EQ(heap.top()->at, earliest) << "step " << step;
    ASSERT_EQ(model.at(heap.top()), earliest) << "step " << step;
  }
}

}  // namespace
}  // namespace workit
