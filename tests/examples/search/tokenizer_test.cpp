// tokenizer: the best segmentation, for any bytes, in linear time.
#include "search/tokenizer.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <stdexcept>
#include <string>

#include "expect_error.hpp"
#include "model_directory.hpp"

namespace {

using chat::piece;
using chat::tokenizer;
using chat::test::expect_error;
using tokens = std::vector<chat::token>;

/// Six reserved pieces, then `pieces` from token 6 on.
tokenizer with(std::vector<piece> pieces) {
  std::vector<piece> all{{"\uFFFD"}, {"<s>"}, {"</s>"}, {"x1"}, {"x2"}, {"x3"}};
  all.insert(all.end(), pieces.begin(), pieces.end());
  return tokenizer(all);
}

const tokenizer& real() {
  static const tokenizer loaded(chat::read_vocabulary(chat::test::model_directory() / "vocab.json"));
  return loaded;
}

std::chrono::duration<double> time_to_encode(const std::string& text) {
  const auto start = std::chrono::steady_clock::now();
  (void)real().encode(text);
  return std::chrono::steady_clock::now() - start;
}

TEST(Tokenizer, TakesTheBestTotalAndNotTheLongestPieceFirst) {
  const tokenizer cut = with({{"▁", -1}, {"ab", -2}, {"abc", -3}, {"cd", -1}, {"d", -9}});
  EXPECT_EQ(cut.encode("abcd"), (tokens{6, 7, 9})) << "▁ ab cd, -4, beats ▁ abc d, -13";
}

TEST(Tokenizer, KeepsTheBestWayEvenWhenItScoresZero) {
  const tokenizer cut = with({{"▁:", 0}, {"▁", -1}, {":", -1}});
  EXPECT_EQ(cut.encode(":"), (tokens{6})) << "0 is a score, not the sign of a position never reached";
}

TEST(Tokenizer, GoesOnlyThroughPositionsThatCanBeReached) {
  const tokenizer cut = with({{"▁ab", -5}, {"b", -1}, {"bc", -1}, {"c", -1}});
  EXPECT_EQ(cut.encode("abc"), (tokens{6, 9})) << "bc starts inside ▁ab, where no way leads";
}

TEST(Tokenizer, PrefersTheShorterLastPieceWhenScoresAreEqual) {
  const tokenizer cut = with({{"▁", -1}, {"▁a", -2}, {"a", -1}});
  EXPECT_EQ(cut.encode("a"), (tokens{6, 8}));
}

TEST(Tokenizer, ReadsSpacesAsWordMarksAndPutsOneInFront) {
  const tokenizer cut = with({{"▁a", -1}, {"▁b", -1}, {"▁", -2}});
  EXPECT_EQ(cut.encode("a b"), (tokens{6, 7}));
  EXPECT_EQ(cut.encode(" "), (tokens{8, 8}));
}

TEST(Tokenizer, ReadsTextInNormalizedForm) {
  EXPECT_EQ(real().encode("c\u0327a"), real().encode("\u00E7a"));
  EXPECT_EQ(real().encode("\uFF26\uFF4F\uFF58"), real().encode("Fox"));
}

TEST(Tokenizer, NeverYieldsAReservedPieceForItsText) {
  for (const chat::token id : real().encode("<s></s> extra_token_id_1"))
    EXPECT_TRUE(id == tokenizer::unknown || id >= tokenizer::first_piece);
}

TEST(Tokenizer, MergesARunOfUnknownCharacters) {
  const tokenizer cut = with({{"▁a", -1}, {"a", -1}});
  EXPECT_EQ(cut.encode("a\U0001F639\U0001F639"), (tokens{6, 0}));
  EXPECT_EQ(cut.encode("a?a??"), (tokens{6, 0, 7, 0}));
  EXPECT_EQ(cut.encode("??"), (tokens{0})) << "the word mark is unknown here too";
}

TEST(Tokenizer, YieldsNothingForAnEmptyText) { EXPECT_EQ(real().encode(""), tokens{}); }

TEST(Tokenizer, YieldsThePublishedTokens) {
  EXPECT_EQ(real().encode("Hello, how are you?"), (tokens{341, 4125, 8, 140, 31, 19, 54}));
}

TEST(Tokenizer, ReadsOnlyUnknownCharactersAsOneUnknown) {
  const tokens found = real().encode("\n\t\n\x01\x02");
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found.back(), tokenizer::unknown);
  EXPECT_LE(found.size(), 2U);
}

TEST(Tokenizer, ReadsInvalidUtf8AsReplacementCharacters) {
  EXPECT_EQ(real().encode("a\xFF\xFEz"), real().encode("a\uFFFD\uFFFDz"));
}

TEST(Tokenizer, SurvivesAnyBytes) {
  std::mt19937 random(20240501);
  for (int round = 0; round < 300; ++round) {
    std::string bytes(random() % 200, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    for (const chat::token id : real().encode(bytes)) ASSERT_LT(id, 8000U) << "round " << round;
  }
}

// Both limits are some thirty times what it takes; time that grew with the square would be hours for the word.
TEST(Tokenizer, CutsAWordOfOneMegabyteInLinearTime) {
  EXPECT_LT(time_to_encode(std::string(1 << 20, 'a')).count(), 10.0);
}

TEST(Tokenizer, CutsEightyKilobytesOfEnglishWellWithinASecond) {
  std::string text;
  while (text.size() < 80 * 1024) text += "Evince is a document viewer for PDF and PostScript files. ";
  EXPECT_LT(time_to_encode(text).count(), 0.9);
}

TEST(Tokenizer, ChoosesTheSamePiecesLateInALongTextAsEarly) {
  const std::string sentence = "Evince is a document viewer. ";
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += sentence;
  const tokens all = real().encode(text);
  const tokens first = real().encode(sentence + "Evince");
  const std::size_t period = real().encode(sentence + sentence + "Evince").size() - first.size();
  ASSERT_GT(all.size(), 10'000 * period);
  for (std::size_t i = 0; i + period + 3 < all.size(); ++i) ASSERT_EQ(all[i], all[i + period]) << "at token " << i;
}

TEST(Tokenizer, RefusesAVocabularyItCannotUse) {
  expect_error<std::invalid_argument>([] { tokenizer(std::vector<piece>(6)); }, "6 pieces", "at least seven");
  expect_error<std::invalid_argument>([] { with({{"a", -1}, {"", -1}}); }, "piece 7 is empty");
}

}  // namespace
