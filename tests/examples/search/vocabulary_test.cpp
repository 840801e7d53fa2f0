// read_vocabulary: pieces with scores, and what is wrong with a file.
#include "search/vocabulary.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include <support/temporary_directory.hpp>
#include "expect_error.hpp"
#include "model_directory.hpp"

namespace {

using chat::read_vocabulary;
using chat::test::expect_error;
using workit::test::temporary_directory;

TEST(Vocabulary, KeepsThePiecesInTokenOrder) {
  const temporary_directory folder;
  const auto pieces = read_vocabulary(folder.write("vocab.json", R"([["<s>", 0], ["▁a", -1.5]])"));
  ASSERT_EQ(pieces.size(), 2U);
  EXPECT_EQ(pieces[0].text, "<s>");
  EXPECT_EQ(pieces[1].text, "▁a");
  EXPECT_EQ(pieces[1].score, -1.5);
}

TEST(Vocabulary, ReadsAScoreOfNullAsZero) {
  const temporary_directory folder;
  EXPECT_EQ(read_vocabulary(folder.write("vocab.json", R"([[":", null]])")).at(0).score, 0);
}

TEST(Vocabulary, NamesTheFileAndTheEntryThatIsWrong) {
  const temporary_directory folder;
  const auto read = [&](const char* text) { (void)read_vocabulary(folder.write("vocab.json", text)); };
  expect_error<std::runtime_error>([&] { read(R"([["a", 1], ["b", "2"]])"); }, "vocab.json", "entry 1", R"(["b","2"])");
  expect_error<std::runtime_error>([&] { read(R"([["a"]])"); }, "vocab.json", "entry 0");
  expect_error<std::runtime_error>([&] { read(R"({"a": 1})"); }, "vocab.json", "not an array");
  expect_error<std::runtime_error>([&] { read("[["); }, "vocab.json", "not JSON");
  expect_error<std::runtime_error>([&] { (void)read_vocabulary(folder.path() / "absent.json"); }, "cannot open",
                                   "absent.json");
}

TEST(Vocabulary, OfTheRealModelHasEightThousandPieces) {
  const auto pieces = read_vocabulary(chat::test::model_directory() / "vocab.json");
  ASSERT_EQ(pieces.size(), 8000U);
  EXPECT_EQ(pieces[9].text, "▁the");
  EXPECT_EQ(pieces[57].text, ":");
  EXPECT_EQ(pieces[57].score, 0) << "null in the file";
}

}  // namespace
