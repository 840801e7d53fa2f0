// Cuts text into the pieces of a SentencePiece unigram vocabulary.
#include "search/tokenizer.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>

#include "search/unicode.hpp"

namespace chat {
namespace {

constexpr char32_t word_mark = U'\u2581';

std::u32string mark_words(std::u32string text) {
  if (text.empty()) return text;
  std::ranges::replace(text, U' ', word_mark);
  return text.insert(0, 1, word_mark);
}

}  // namespace

/// Scores are double: the sum over a long text loses the low digits of a float, and with them the choice.
struct tokenizer::step {
  double score = -std::numeric_limits<double>::infinity();  // of the whole way; -inf: not reached
  std::uint32_t from = 0;
  token piece = unknown;
};

tokenizer::tokenizer(const std::vector<piece>& vocabulary) {
  if (vocabulary.size() <= first_piece)
    throw std::invalid_argument("vocabulary of " + std::to_string(vocabulary.size()) +
                                " pieces: the first six are reserved, so it needs at least seven");
  scores_.reserve(vocabulary.size());
  for (token id = 0; id < vocabulary.size(); ++id) {
    scores_.push_back(vocabulary[id].score);
    if (id < first_piece) continue;
    if (vocabulary[id].text.empty()) throw std::invalid_argument("piece " + std::to_string(id) + " is empty");
    pieces_.insert(code_points(vocabulary[id].text), id);
  }
}

std::vector<tokenizer::step> tokenizer::best_steps(std::u32string_view symbols) const {
  std::vector<step> steps(symbols.size() + 1);
  steps[0].score = 0;
  for (std::uint32_t from = 0; from < symbols.size(); ++from) {
    const double so_far = steps[from].score;
    if (so_far == -std::numeric_limits<double>::infinity()) continue;
    // Of two ways with one score the later wins, the one whose last piece is shorter: the reference's rule.
    const auto offer = [&](std::size_t length, token id, double score) {
      step& to = steps[from + length];
      if (so_far + score >= to.score) to = {so_far + score, from, id};
    };
    bool known = false;
    pieces_.for_each_prefix(symbols.substr(from), [&](std::size_t length, token id) {
      offer(length, id, scores_[id]);
      known = true;
    });
    if (!known) offer(1, unknown, 0);
  }
  return steps;
}

std::vector<token> tokenizer::encode(std::string_view text) const {
  const std::u32string symbols = mark_words(normalized_code_points(text));
  const std::vector<step> steps = best_steps(symbols);
  std::vector<token> tokens;
  for (std::size_t at = symbols.size(); at > 0; at = steps[at].from) {
    const token id = steps[at].piece;
    if (id == unknown && !tokens.empty() && tokens.back() == unknown) continue;
    tokens.push_back(id);
  }
  std::ranges::reverse(tokens);
  return tokens;
}

}  // namespace chat
