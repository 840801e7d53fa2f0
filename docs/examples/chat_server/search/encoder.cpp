// Turns text into a vector with the Universal Sentence Encoder Lite.
#include "search/encoder.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "search/blas_threads.hpp"
#include "search/vocabulary.hpp"

namespace chat {
namespace {

tokenizer read_tokenizer(const std::filesystem::path& vocab_json, std::size_t embedding_rows) {
  const std::vector<piece> vocabulary = read_vocabulary(vocab_json);
  if (vocabulary.size() > embedding_rows)
    throw std::runtime_error(vocab_json.string() + " has " + std::to_string(vocabulary.size()) +
                             " pieces, expected at most " + std::to_string(embedding_rows) +
                             ", the rows of the embedding table: it belongs to another model");
  return tokenizer(vocabulary);
}

void scale_to_unit_length(std::span<float> vector) {
  float squares = 0;
  for (const float v : vector) squares += v * v;
  const float inverse = 1 / std::sqrt(std::max(squares, 1e-12F));
  for (float& v : vector) v *= inverse;
}

}  // namespace

encoder::encoder(const std::filesystem::path& model_dir)
    : weights_(model_dir / "model.json"),
      parameters_(find_parameters(weights_)),
      tokenizer_(read_tokenizer(model_dir / "vocab.json", parameters_.embedding_rows)) {
  use_calling_thread_only();
}

matrix encoder::look_up(const std::vector<token>& tokens) const {
  matrix rows(tokens.size(), embedding_width);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const float* embedding = parameters_.embeddings + std::size_t{tokens[i]} * embedding_width;
    // The graph adds the table's row to itself before the first layer.
    std::transform(embedding, embedding + embedding_width, rows.row(i).begin(), [](float v) { return 2 * v; });
  }
  add_timing_signal(rows, parameters_.timing_frequencies);
  return rows;
}

matrix encoder::contextualize(const std::vector<token>& tokens) const {
  if (tokens.empty()) return {0, model_width};
  const matrix embedded = look_up(tokens);
  const matrix first =
      run_layer(embedded, project(embedded, parameters_.widen_residual), parameters_.layers[0], attention_heads);
  return run_layer(first, first, parameters_.layers[1], attention_heads);
}

std::vector<float> encoder::pool(const matrix& in_context) const {
  matrix mean(1, model_width);
  for (std::size_t i = 0; i < in_context.rows; ++i)
    for (std::size_t j = 0; j < model_width; ++j) mean.values[j] += in_context.row(i)[j];
  const auto count = static_cast<float>(std::max<std::size_t>(1, in_context.rows));
  for (float& v : mean.values) v /= count;
  std::vector<float> vector = project(mean, parameters_.pool).values;
  for (float& v : vector) v = std::tanh(v);
  scale_to_unit_length(vector);
  return vector;
}

std::vector<float> encoder::embed(std::string_view text, std::size_t max_tokens) const {
  std::vector<token> tokens = tokenizer_.encode(text);
  if (tokens.size() > max_tokens) tokens.resize(max_tokens);
  return pool(contextualize(tokens));
}

std::size_t encoder::token_count(std::string_view text) const { return tokenizer_.encode(text).size(); }

}  // namespace chat
