// bm25_index: the formula, words, and one order.
#include "search/bm25.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace {

using chat::bm25_index;
using chat::document;
using chat::hit;

std::vector<std::uint32_t> found(const bm25_index& index, std::string_view query, std::size_t k = 10) {
  std::vector<std::uint32_t> documents;
  for (const hit& each : index.search(query, k)) documents.push_back(each.document);
  return documents;
}

using documents = std::vector<document>;
using indices = std::vector<std::uint32_t>;

TEST(Bm25, ScoresByThePublishedFormula) {
  const bm25_index index(documents{{"", "fox fox dog"}, {"", "cat"}});
  const auto hits = index.search("fox", 10);
  ASSERT_EQ(hits.size(), 1U);
  const double rarity = std::log(1 + (2 - 1 + 0.5) / (1 + 0.5));
  const double expected = rarity * 2 * (1.2 + 1) / (2 + 1.2 * (1 - 0.75 + 0.75 * 3 / 2.0));
  EXPECT_EQ(hits[0].document, 0U);
  EXPECT_NEAR(hits[0].score, expected, 1e-6);
}

TEST(Bm25, PrefersRareWordsAndShortDocuments) {
  const bm25_index index(documents{{"", "viewer viewer common"}, {"", "pdf common"}, {"", "viewer common"}});
  EXPECT_EQ(found(index, "pdf viewer").front(), 1U) << "pdf is rarer";
  EXPECT_EQ(found(bm25_index(documents{{"", "fox in a very long text indeed"}, {"", "fox"}}), "fox"), (indices{1, 0}));
}

TEST(Bm25, SearchesNamesToo) {
  const bm25_index index(documents{{"evince", "Document viewer"}, {"bash", "A shell"}});
  EXPECT_EQ(found(index, "EVINCE"), (indices{0}));
}

TEST(Bm25, CutsWordsAtPunctuationAndIgnoresAsciiCase) {
  const bm25_index index(documents{{"", "PDF/PostScript,viewer-3"}, {"", "pdfpostscript"}});
  EXPECT_EQ(found(index, "postscript"), (indices{0}));
  EXPECT_EQ(found(index, "(3)"), (indices{0}));
}

TEST(Bm25, CountsBytesOfOtherScriptsAsLetters) {
  const bm25_index index(documents{{"", "caf\u00E9 bar"}, {"", "caf bar"}, {"", "bad \xFF\xFE bytes"}});
  EXPECT_EQ(found(index, "caf\u00E9"), (indices{0}));
  EXPECT_EQ(found(index, "\xFF\xFE"), (indices{2}));
}

TEST(Bm25, OrdersEqualScoresByIndex) {
  const bm25_index index(documents{{"", "fox"}, {"", "dog"}, {"", "fox"}, {"", "fox"}});
  EXPECT_EQ(found(index, "fox"), (indices{0, 2, 3}));
  EXPECT_EQ(found(index, "fox", 2), (indices{0, 2}));
}

TEST(Bm25, GivesEvenAWordOfEveryDocumentAPositiveScore) {
  const bm25_index index(documents{{"", "the fox"}, {"", "the dog"}});
  for (const hit& each : index.search("the", 10)) EXPECT_GT(each.score, 0);
  EXPECT_EQ(found(index, "the").size(), 2U);
}

TEST(Bm25, CountsAWordAsOftenAsTheQueryRepeatsIt) {
  const bm25_index index(documents{{"", "fox"}, {"", "dog"}});
  EXPECT_FLOAT_EQ(index.search("fox fox", 1)[0].score, 2 * index.search("fox", 1)[0].score);
}

TEST(Bm25, FindsNothingWhereThereIsNothing) {
  EXPECT_TRUE(bm25_index(documents{}).search("fox", 3).empty());
  EXPECT_TRUE(bm25_index(documents{{"", ""}}).search("fox", 3).empty());
  const bm25_index index(documents{{"", "fox"}});
  EXPECT_TRUE(index.search("", 3).empty());
  EXPECT_TRUE(index.search(" ?!", 3).empty());
  EXPECT_TRUE(index.search("wolf", 3).empty());
  EXPECT_TRUE(index.search("fox", 0).empty());
}

TEST(Bm25, TakesAWordOfAMegabyte) {
  const bm25_index index(documents{{"", std::string(1 << 20, 'a')}, {"", "fox"}});
  EXPECT_EQ(found(index, std::string(1 << 20, 'A')), (indices{0}));
}

}  // namespace
