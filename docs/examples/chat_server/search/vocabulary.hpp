// The pieces a text is cut into, with their scores.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace chat {

/// Identifies a piece: its index in the vocabulary, and its row in the embedding table.
using token = std::uint32_t;

/// One piece: UTF-8 text in which U+2581 stands for a space, with its unigram score (a natural log probability).
struct piece {
  std::string text;
  double score = 0;
};

/// The pieces of a tfjs vocab.json (an array of [text, score]), in token order. A score of null counts as 0: the
/// published file holds seven, pieces with a colon, and the reference tokenizer adds them up as 0.
/// Blocks: for the read.
/// Errors: std::runtime_error that names the file, with the entry that is wrong.
[[nodiscard]] std::vector<piece> read_vocabulary(const std::filesystem::path& vocab_json);

}  // namespace chat
