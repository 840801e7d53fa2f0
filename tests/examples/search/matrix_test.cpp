// matrix: rows over one block of numbers.
#include "search/matrix.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace {

TEST(Matrix, StartsAtZeroAndGivesOutRowsOfItsBlock) {
  chat::matrix m(2, 3);
  EXPECT_EQ(m.values, std::vector<float>(6, 0.0F));
  m.row(1)[0] = 7;
  EXPECT_EQ(m.values[3], 7);
  EXPECT_EQ(std::as_const(m).row(1).size(), 3U);
}

TEST(Matrix, MayHaveNoRows) { EXPECT_TRUE(chat::matrix(0, 3).values.empty()); }

}  // namespace
