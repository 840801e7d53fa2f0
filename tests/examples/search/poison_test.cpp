// poison_document: real text of a given size.
#include "search/poison.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "expect_error.hpp"
#include "model_directory.hpp"
#include "search/corpus.hpp"
#include "search/encoder.hpp"

namespace {

using chat::document;
using chat::poison_document;
using documents = std::vector<document>;

TEST(Poison, JoinsTheTextsInOrderAndRepeatsThem) {
  EXPECT_EQ(poison_document(documents{{"a", "one"}, {"b", "two"}}, 14), "one two one tw");
  EXPECT_EQ(poison_document(documents{{"a", "one"}, {"b", "two"}}, 5), "one t");
  EXPECT_EQ(poison_document(documents{{"a", "one"}}, 0), "");
}

TEST(Poison, NeverCutsACharacterInTwo) {
  EXPECT_EQ(poison_document(documents{{"a", "x\u00E9\u2581"}}, 2), "x");
  EXPECT_EQ(poison_document(documents{{"a", "x\u00E9\u2581"}}, 3), "x\u00E9");
  EXPECT_EQ(poison_document(documents{{"a", "x\u00E9\u2581"}}, 5), "x\u00E9");
}

TEST(Poison, RefusesACorpusWithoutText) {
  const auto refused = [](const documents& corpus) {
    chat::test::expect_error<std::invalid_argument>([&] { (void)poison_document(corpus); }, "at least one text");
  };
  refused({});
  refused({{"a", ""}, {"b", ""}});
}

TEST(Poison, OfThisSystemIsEightyKilobytesOfManyTokens) {
  const auto corpus = chat::read_corpus();
  const std::string text = poison_document(corpus);
  EXPECT_GT(text.size(), 80U * 1024 - 4);
  EXPECT_LE(text.size(), 80U * 1024);
  EXPECT_EQ(text, poison_document(corpus));
  EXPECT_GT(chat::encoder(chat::test::model_directory()).token_count(text), 15'000U);
}

}  // namespace
