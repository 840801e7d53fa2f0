// A dense row-major matrix of floats.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace chat {

/// Owns rows x columns numbers, all zero at first.
struct matrix {
  matrix(std::size_t row_count, std::size_t column_count)
      : rows(row_count), columns(column_count), values(row_count * column_count) {}

  /// Lifetime: until the matrix is moved from or destroyed.
  [[nodiscard]] std::span<float> row(std::size_t index) { return {values.data() + index * columns, columns}; }
  [[nodiscard]] std::span<const float> row(std::size_t index) const {
    return {values.data() + index * columns, columns};
  }

  std::size_t rows;
  std::size_t columns;
  std::vector<float> values;
};

}  // namespace chat
