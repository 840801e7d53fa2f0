// backoff: the delays between attempts.
#include <gtest/gtest.h>

#include <set>
#include <stdexcept>
#include <workit/compose/backoff.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, GrowsByItsShape) {
  EXPECT_EQ(backoff(backoff::fixed).delay(7, 10ms, 1h), 10ms);
  EXPECT_EQ(backoff(backoff::linear).delay(7, 10ms, 1h), 70ms);
  EXPECT_EQ(backoff(backoff::exponential).delay(7, 10ms, 1h), 640ms);
  EXPECT_EQ(backoff([](std::size_t failed) { return std::chrono::seconds(failed * failed); }).delay(7, 10ms, 1h), 49s);
}

TEST(Backoff, IsNeverLongerThanItMayBe) {
  EXPECT_EQ(backoff(backoff::exponential).delay(1000, 100ms, 30s), 30s);
  EXPECT_EQ(backoff(backoff::exponential).delay(1000, 1s, duration::max()), duration::max());
  EXPECT_EQ(backoff(backoff::linear).delay(1000, duration::max(), duration::max()), duration::max());
  EXPECT_EQ(backoff([](std::size_t) { return 2h; }).delay(1, 10ms, 1h), 1h);
}

TEST(Backoff, RefusesANegativeDelayOfItsFunction) {
  EXPECT_THROW((void)backoff([](std::size_t) { return -1ms; }).delay(1, 10ms, 1h), std::invalid_argument);
}

TEST(Jitter, LiesBetweenHalfAndTheWholeAndRepeatsWithItsSeed) {
  detail::jitter a(7), b(7);
  std::set<duration> drawn;
  for (int i = 0; i < 1000; ++i) {
    const auto d = a.apply(1s);
    EXPECT_EQ(d, b.apply(1s));
    EXPECT_GE(d, 500ms);
    EXPECT_LT(d, 1s);
    drawn.insert(d);
  }
  EXPECT_GT(drawn.size(), 990u);
  EXPECT_LT(*drawn.begin(), 510ms);
  EXPECT_GT(*drawn.rbegin(), 990ms);
}

TEST(Jitter, OfACopyIsItsOwnUnlessItHasASeed) {
  detail::jitter seeded(7), fresh({});
  detail::jitter seeded_copy(seeded), fresh_copy(fresh);
  EXPECT_EQ(seeded.apply(1h), seeded_copy.apply(1h));
  EXPECT_NE(fresh.apply(1h), fresh_copy.apply(1h)) << "many copies of one retry must not come back together";
}

}  // namespace
}  // namespace workit
