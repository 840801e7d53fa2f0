// The parts of a transformer encoder layer.
#pragma once

#include <cstddef>

#include "search/matrix.hpp"

// Every function here is pure, may run on any thread, and computes on the calling one (see blas_threads.hpp). Each
// allocates its result. n is the number of tokens, a row of a matrix is one token. Parameter pointers are borrowed.

namespace chat {

/// y = x kernel + bias: kernel is inputs x outputs, row-major; bias has `outputs` numbers.
struct linear_map {
  const float* kernel;
  const float* bias;
  std::size_t inputs;
  std::size_t outputs;
};

/// Scale and bias of a layer normalization, `width` numbers each.
struct norm_parameters {
  const float* scale;
  const float* bias;
  std::size_t width;
};

/// A pre-norm layer: d numbers per token in (d is attention_norm.width), m out (m is merge_heads.outputs).
struct layer_parameters {
  norm_parameters attention_norm;
  linear_map query_key_value;  // d -> 3 d: all queries, all keys, all values
  linear_map merge_heads;      // d -> m
  norm_parameters feed_forward_norm;
  linear_map expand;    // m -> 3 m
  linear_map contract;  // 3 m -> m
};

/// Applies `map` to each row: n x inputs to n x outputs.
[[nodiscard]] matrix project(const matrix& x, const linear_map& map);

/// Shifts and scales each row to mean 0 and variance 1, then by the parameters (Ba et al. 2016).
[[nodiscard]] matrix layer_norm(const matrix& x, const norm_parameters& parameters);

/// Turns each row into positive numbers whose sum is 1, in place.
void softmax_rows(matrix& x);

/// Scaled dot-product attention (Vaswani et al. 2017, section 3.2.1), each of `heads` heads over its own share of the
/// columns. `query_key_value` is n x 3 d with n > 0, the result n x d.
/// Needs 4 n^2 bytes and time in n^2: every token looks at every token, and all looks of a head are held at once.
[[nodiscard]] matrix attention(const matrix& query_key_value, std::size_t heads);

/// contract(max(0, expand(x))), n x m to n x m.
[[nodiscard]] matrix feed_forward(const matrix& x, const linear_map& expand, const linear_map& contract);

/// Adds each token's position to it: sin(position f) on the first half of its columns and cos(position f) on the
/// second, f being the columns / 2 numbers of `frequencies`, in radians per token.
void add_timing_signal(matrix& x, const float* frequencies);

/// One layer with its two residual additions: n x d to n x m. `residual` (n x m) is what attention adds to: the input
/// itself where d equals m, else its projection.
[[nodiscard]] matrix run_layer(const matrix& x, const matrix& residual, const layer_parameters& layer,
                               std::size_t heads);

}  // namespace chat
