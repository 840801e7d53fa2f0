// The parameters of the Universal Sentence Encoder Lite, found by name once.
#pragma once

#include <array>
#include <cstddef>

#include "search/transformer.hpp"
#include "search/weights.hpp"

namespace chat {

/// The sizes of the published model (Cer et al. 2018, "Universal Sentence Encoder"; the two-layer Lite variant).
inline constexpr std::size_t embedding_width = 256;  // numbers per token before the first layer
inline constexpr std::size_t model_width = 512;      // numbers per token after it, and of the result
inline constexpr std::size_t attention_heads = 4;

/// Pointers into the weights for every step of the forward pass.
struct encoder_parameters {
  const float* embeddings;          // embedding_rows x embedding_width, a row per token
  std::size_t embedding_rows;       // at least the number of pieces of the vocabulary
  const float* timing_frequencies;  // embedding_width / 2, radians per token
  linear_map widen_residual;        // embedding_width -> model_width, what the first layer's attention adds to
  std::array<layer_parameters, 2> layers;
  linear_map pool;  // model_width -> model_width, under tanh
};

/// Looks every tensor up and checks its shape.
/// Lifetime: the result points into `loaded`.
/// Errors: std::runtime_error that names the missing tensor, or the one of another shape.
[[nodiscard]] encoder_parameters find_parameters(const weights& loaded);

}  // namespace chat
