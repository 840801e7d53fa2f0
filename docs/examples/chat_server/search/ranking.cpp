// The order that scores put documents in.
#include "search/ranking.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace chat {

std::vector<std::uint32_t> order_by_score(std::span<const float> scores) {
  std::vector<std::uint32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, [&](std::uint32_t left, std::uint32_t right) {
    // NaN compares false with everything, which is no order; so it is placed by hand.
    if (std::isnan(scores[left])) return false;
    return std::isnan(scores[right]) || scores[left] > scores[right];
  });
  return order;
}

std::vector<scored> best(std::span<const float> scores, std::size_t k) {
  std::vector<scored> result;
  for (const std::uint32_t index : order_by_score(scores)) {
    if (result.size() == k) break;
    result.push_back({.index = index, .score = scores[index]});
  }
  return result;
}

}  // namespace chat
