// The order that scores put documents in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace chat {

/// A document, by its index in the list that was scored, with its score.
struct scored {
  std::uint32_t index = 0;
  float score = 0;

  friend bool operator==(const scored&, const scored&) = default;
};

/// The indices of `scores`, best score first, equal scores by index, NaN last: one input, one order, on any machine.
/// Threads: any.
[[nodiscard]] std::vector<std::uint32_t> order_by_score(std::span<const float> scores);

/// The first `k` of order_by_score, or all if there are fewer, with their scores.
/// Threads: any.
[[nodiscard]] std::vector<scored> best(std::span<const float> scores, std::size_t k);

}  // namespace chat
