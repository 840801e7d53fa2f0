// Cuts text into the pieces of a SentencePiece unigram vocabulary.
#pragma once

#include <string_view>
#include <vector>

#include "search/piece_trie.hpp"
#include "search/vocabulary.hpp"

namespace chat {

/// The segmentation with the best total score (Kudo 2018, "Subword Regularization", section 3.1), by the rules the
/// encoder was trained with: the text in NFKC, spaces as U+2581, one more U+2581 in front; a character no piece begins
/// with is the unknown token at score 0, and a run of them is one token.
///
/// Requires: a vocabulary whose first six pieces are reserved (unknown, <s>, </s>, three spare); no text yields those
/// but the unknown one.
/// Threads: any, it is immutable.
class tokenizer {
 public:
  static constexpr token unknown = 0;
  static constexpr token first_piece = 6;

  /// Errors: std::invalid_argument when the vocabulary has no piece past the reserved ones, or an empty one.
  explicit tokenizer(const std::vector<piece>& vocabulary);

  /// The tokens of `text` in reading order; none for an empty text. Any bytes are allowed, invalid UTF-8 reads as
  /// U+FFFD. Takes time linear in the length, about 20 ms for 80 KB of English.
  /// Errors: std::length_error past 2 GiB.
  [[nodiscard]] std::vector<token> encode(std::string_view text) const;

 private:
  struct step;

  /// For each position of `symbols` up to its end, the last step of the best way there.
  [[nodiscard]] std::vector<step> best_steps(std::u32string_view symbols) const;

  piece_trie pieces_;
  std::vector<double> scores_;  // by token
};

}  // namespace chat
