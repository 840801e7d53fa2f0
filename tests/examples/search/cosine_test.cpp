// cosine: direction alone counts.
#include "search/cosine.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

#include "expect_error.hpp"

namespace {

using chat::cosine;
using vector = std::vector<float>;

TEST(Cosine, IsOneForOneDirectionAndMinusOneForTheOpposite) {
  EXPECT_FLOAT_EQ(cosine(vector{1, 2}, vector{10, 20}), 1);
  EXPECT_FLOAT_EQ(cosine(vector{1, 2}, vector{-1, -2}), -1);
  EXPECT_FLOAT_EQ(cosine(vector{1, 0}, vector{0, 5}), 0);
}

TEST(Cosine, IsZeroBesideAZeroVector) {
  EXPECT_EQ(cosine(vector{0, 0}, vector{1, 2}), 0);
  EXPECT_EQ(cosine(vector{}, vector{}), 0);
}

TEST(Cosine, OfHugeAndTinyVectorsStaysInRange) {
  EXPECT_FLOAT_EQ(cosine(vector{1e30F, 1e30F}, vector{1e-30F, 1e-30F}), 1);
}

TEST(Cosine, RefusesVectorsOfDifferentLength) {
  chat::test::expect_error<std::invalid_argument>([] { (void)cosine(vector{1}, vector{1, 2}); }, "1 and 2 numbers");
}

}  // namespace
