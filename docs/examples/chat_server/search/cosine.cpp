// The cosine of the angle between two vectors.
#include "search/cosine.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace chat {

float cosine(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size())
    throw std::invalid_argument("cosine of vectors with " + std::to_string(a.size()) + " and " +
                                std::to_string(b.size()) + " numbers: they need to have the same length");
  double dot = 0;
  double squares_of_a = 0;
  double squares_of_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    dot += double{a[i]} * b[i];
    squares_of_a += double{a[i]} * a[i];
    squares_of_b += double{b[i]} * b[i];
  }
  if (squares_of_a == 0 || squares_of_b == 0) return 0;
  return static_cast<float>(std::clamp(dot / std::sqrt(squares_of_a) / std::sqrt(squares_of_b), -1.0, 1.0));
}

}  // namespace chat
