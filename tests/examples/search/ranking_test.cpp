// order_by_score, best: one input, one order.
#include "search/ranking.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace {

using chat::best;
using chat::order_by_score;
using chat::scored;
using order = std::vector<std::uint32_t>;
using scores = std::vector<float>;

TEST(Ranking, PutsTheBestScoreFirst) { EXPECT_EQ(order_by_score(scores{0.1F, 0.9F, -1, 0.5F}), (order{1, 3, 0, 2})); }

TEST(Ranking, OrdersEqualScoresByIndex) {
  EXPECT_EQ(order_by_score(scores{1, 2, 1, 2, 1}), (order{1, 3, 0, 2, 4}));
  EXPECT_EQ(order_by_score(scores{0.0F, -0.0F}), (order{0, 1}));
}

TEST(Ranking, PutsNotANumberLast) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(order_by_score(scores{nan, -infinity, nan, 5, infinity}), (order{4, 3, 1, 0, 2}));
}

TEST(Ranking, OfNothingIsNothing) {
  EXPECT_TRUE(order_by_score({}).empty());
  EXPECT_TRUE(best({}, 3).empty());
}

TEST(Ranking, BestKeepsTheFirstFewWithTheirScores) {
  EXPECT_EQ(best(scores{1, 3, 2}, 2), (std::vector<scored>{{1, 3}, {2, 2}}));
  EXPECT_EQ(best(scores{1, 3, 2}, 9).size(), 3U);
  EXPECT_TRUE(best(scores{1}, 0).empty());
}

}  // namespace
