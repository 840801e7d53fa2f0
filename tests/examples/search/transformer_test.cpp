// The parts of a transformer layer, on numbers small enough to check by hand.
#include "search/transformer.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

namespace {

using chat::matrix;

matrix rows_of(std::size_t columns, std::vector<float> values) {
  matrix m(values.size() / columns, columns);
  m.values = std::move(values);
  return m;
}

void expect_near(const std::vector<float>& given, const std::vector<float>& expected) {
  ASSERT_EQ(given.size(), expected.size());
  for (std::size_t i = 0; i < given.size(); ++i) EXPECT_NEAR(given[i], expected[i], 1e-5F) << "at " << i;
}

TEST(Transformer, ProjectsEachRowAndAddsTheBias) {
  const std::array<float, 6> kernel{1, 2, 3, 4, 5, 6};
  const std::array<float, 3> bias{10, 20, 30};
  const matrix y = project(rows_of(2, {1, 0, 1, 1}), {kernel.data(), bias.data(), 2, 3});
  expect_near(y.values, {11, 22, 33, 15, 27, 39});
}

TEST(Transformer, NormalizesEachRowToMeanZeroAndVarianceOne) {
  const std::array<float, 4> scale{1, 1, 1, 2};
  const std::array<float, 4> bias{0, 0, 0, 100};
  const matrix y = layer_norm(rows_of(4, {1, 1, 3, 3, 7, 7, 7, 7}), {scale.data(), bias.data(), 4});
  expect_near(y.values, {-1, -1, 1, 102, 0, 0, 0, 100});
}

TEST(Transformer, SoftmaxOfHugeNumbersStaysFinite) {
  matrix m = rows_of(2, {0, std::log(3.0F), 1e30F, -1e30F, 88, 88});
  softmax_rows(m);
  expect_near(m.values, {0.25, 0.75, 1, 0, 0.5, 0.5});
}

TEST(Transformer, AttentionOverEqualKeysIsTheMeanOfTheValues) {
  const matrix y = attention(rows_of(6, {1, 1, 5, 5, 1, 2,  //
                                         9, 9, 5, 5, 3, 6}),
                             1);
  expect_near(y.values, {2, 4, 2, 4});
}

TEST(Transformer, AttentionLooksAtTheKeyThatFitsTheQuery) {
  const matrix y = attention(rows_of(3, {50, 1, 10,  //
                                         -50, -1, 20}),
                             1);
  expect_near(y.values, {10, 20});
}

TEST(Transformer, EachHeadAttendsOverItsOwnColumns) {
  // Head 0 asks for the other token, head 1 for its own.
  const matrix y = attention(rows_of(6, {-50, 50, 1, 1, 10, 30,  //
                                         50, -50, -1, -1, 20, 40}),
                             2);
  expect_near(y.values, {20, 30, 10, 40});
}

TEST(Transformer, AttentionScalesByTheRootOfTheHeadWidth) {
  // Queries of length 2 over 4 columns: the products are 4 and 0, scaled 2 and 0.
  const matrix y = attention(rows_of(12, {1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0,  //
                                          1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0}),
                             1);
  EXPECT_NEAR(y.values[0], std::exp(2.0F) / (std::exp(2.0F) + 1), 1e-6F);
}

TEST(Transformer, FeedForwardDropsWhatIsNegativeInBetween) {
  const std::array<float, 2> expand{1, -1};
  const std::array<float, 2> contract{10, 100};
  const std::array<float, 2> zero{0, 0};
  const matrix y =
      feed_forward(rows_of(1, {2, -3}), {expand.data(), zero.data(), 1, 2}, {contract.data(), zero.data(), 2, 1});
  expect_near(y.values, {20, 300});
}

TEST(Transformer, AddsSinesThenCosinesOfThePosition) {
  const std::array<float, 2> frequencies{1, 0.5F};
  matrix m = rows_of(4, {0, 0, 0, 0, 1, 1, 1, 1});
  add_timing_signal(m, frequencies.data());
  expect_near(m.values, {0, 0, 1, 1,  //
                         1 + std::sin(1.0F), 1 + std::sin(0.5F), 1 + std::cos(1.0F), 1 + std::cos(0.5F)});
}

TEST(Transformer, ALayerThatComputesNothingPassesItsResidualOn) {
  const std::vector<float> zero(64, 0.0F);
  const chat::layer_parameters silent{.attention_norm = {zero.data(), zero.data(), 2},
                                      .query_key_value = {zero.data(), zero.data(), 2, 6},
                                      .merge_heads = {zero.data(), zero.data(), 2, 3},
                                      .feed_forward_norm = {zero.data(), zero.data(), 3},
                                      .expand = {zero.data(), zero.data(), 3, 9},
                                      .contract = {zero.data(), zero.data(), 9, 3}};
  const matrix y = run_layer(rows_of(2, {1, 2, 3, 4}), rows_of(3, {5, 6, 7, 8, 9, 10}), silent, 1);
  expect_near(y.values, {5, 6, 7, 8, 9, 10});
}

}  // namespace
