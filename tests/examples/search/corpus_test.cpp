// read_corpus: package descriptions on one line each.
#include "search/corpus.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include <support/temporary_directory.hpp>
#include "expect_error.hpp"

namespace {

using chat::document;
using chat::read_corpus;
using chat::test::expect_error;
using workit::test::temporary_directory;

std::vector<document> read(const std::string& text) {
  const temporary_directory folder;
  return read_corpus(folder.write("status", text));
}

TEST(Corpus, UnfoldsSynopsisAndDescriptionIntoOneLine) {
  const auto documents = read(
      "Package: evince\n"
      "Status: install ok installed\n"
      "Description: Document viewer\n"
      " Evince is a viewer\n"
      " for PDF.\n"
      " .\n"
      "  - fast\n"
      "Homepage: https://example.org\n"
      " folded on\n"
      "\n");
  ASSERT_EQ(documents.size(), 1U);
  EXPECT_EQ(documents[0].name, "evince");
  EXPECT_EQ(documents[0].text, "Document viewer. Evince is a viewer for PDF. - fast");
}

TEST(Corpus, ReadsTheLastPackageWithoutAnEmptyLineAfterIt) {
  const auto documents = read("Package: a\nDescription: First\n\nPackage: b\nDescription: Second");
  ASSERT_EQ(documents.size(), 2U);
  EXPECT_EQ(documents[1].name, "b");
  EXPECT_EQ(documents[1].text, "Second");
}

TEST(Corpus, LeavesOutWhatHasNoNameOrNoDescription) {
  const auto documents = read(
      "Package: removed\nStatus: deinstall ok config-files\n\nDescription: Nameless\n\n"
      "Package: kept\nDescription: Here\n");
  ASSERT_EQ(documents.size(), 1U);
  EXPECT_EQ(documents[0].name, "kept");
}

TEST(Corpus, ListsAPackageOfTwoArchitecturesOnce) {
  const auto documents = read(
      "Package: libc6\nArchitecture: amd64\nDescription: C library\n\n"
      "Package: libc6\nArchitecture: i386\nDescription: C library\n");
  EXPECT_EQ(documents.size(), 1U);
}

TEST(Corpus, ReadsTheTranslationFilesOfApt) {
  const auto documents =
      read("Package: 0ad\nDescription-md5: d943\nDescription-en: Real-time strategy game\n A game.\n");
  ASSERT_EQ(documents.size(), 1U);
  EXPECT_EQ(documents[0].text, "Real-time strategy game. A game.");
}

TEST(Corpus, SurvivesMalformedLines) {
  const auto documents =
      read(" folded before any field\nno colon\n:\n: \nPackage:\nPackage: a\r\nDescription: b\r\n c\xFF\r\n\r\n");
  ASSERT_EQ(documents.size(), 1U);
  EXPECT_EQ(documents[0].name, "a");
  EXPECT_EQ(documents[0].text, "b. c\xFF");
}

TEST(Corpus, SaysWhichFileIsAbsentOrEmpty) {
  expect_error<std::runtime_error>([] { (void)read_corpus("/nowhere/status"); }, "cannot open", "/nowhere/status");
  expect_error<std::runtime_error>([] { (void)read(""); }, "/status", "holds no package description");
  expect_error<std::runtime_error>([] { (void)read("Package: a\n\n"); }, "holds no package description");
  const temporary_directory folder;
  expect_error<std::runtime_error>([&] { (void)read_corpus(folder.path()); }, folder.path().string());
}

TEST(Corpus, OfThisSystemHasDocuments) {
  const auto documents = read_corpus();
  EXPECT_GT(documents.size(), 50U);
  for (const document& each : documents) {
    EXPECT_FALSE(each.name.empty());
    EXPECT_EQ(each.text.find('\n'), std::string::npos) << each.name;
  }
}

}  // namespace
