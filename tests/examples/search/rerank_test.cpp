// rerank, load_model: pure functions over the encoder of the process.
#include "search/rerank.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>

#include "model_directory.hpp"
#include "search/cosine.hpp"
#include "search/encoder.hpp"

namespace {

using chat::encoder;

const std::string question = "How do I view a PDF document on Linux?";
const std::vector<std::string> few_documents{"The stock market crashed in 1929.",
                                             "Evince is a document viewer for PDF and PostScript files.", "",
                                             "\xFF\xFE not UTF-8"};

// Each death test runs in a program started anew, in which no encoder is loaded yet.
class RerankDeathTest : public testing::Test {
 protected:
  RerankDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

/// Ends the process with 0 when f() returned and 1 when it threw, after printing why.
template <typename F>
[[noreturn]] void report(F f) {
  try {
    f();
  } catch (const std::runtime_error& error) {
    std::cerr << error.what() << std::endl;
    _exit(1);
  }
  _exit(0);
}

TEST_F(RerankDeathTest, LoadingSaysWhatToSetWhenTheFolderIsNotSet) {
  const auto without = [](const char* value) {
    value == nullptr ? unsetenv("CHAT_MODEL_DIR") : setenv("CHAT_MODEL_DIR", value, 1);
    report(chat::load_model);
  };
  EXPECT_EXIT(without(nullptr), testing::ExitedWithCode(1), "CHAT_MODEL_DIR is not set: set it to the folder");
  EXPECT_EXIT(without(""), testing::ExitedWithCode(1), "CHAT_MODEL_DIR is not set: set it to the folder");
  EXPECT_EXIT(without("/nowhere"), testing::ExitedWithCode(1), "cannot open /nowhere/model.json");
}

TEST_F(RerankDeathTest, LoadingWorksAfterAFailure) {
  const std::string model = chat::test::model_directory();
  const auto twice = [&] {
    setenv("CHAT_MODEL_DIR", "/nowhere", 1);
    try {
      chat::load_model();
      _exit(2);
    } catch (const std::runtime_error&) {
    }
    setenv("CHAT_MODEL_DIR", model.c_str(), 1);
    report(chat::load_model);
  };
  EXPECT_EXIT(twice(), testing::ExitedWithCode(0), "");
}

TEST_F(RerankDeathTest, ForksWorkersThatShareTheLoadedEncoder) {
  const auto forked = [] {
    chat::load_model();
    const auto here = chat::rerank(question, few_documents, encoder::trained_tokens);
    unsetenv("CHAT_MODEL_DIR");  // a worker that loaded anew would throw
    const pid_t worker = fork();
    if (worker == 0) _exit(chat::rerank(question, few_documents, encoder::trained_tokens) == here ? 0 : 1);
    int status = 0;
    waitpid(worker, &status, 0);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 2);
  };
  EXPECT_EXIT(forked(), testing::ExitedWithCode(0), "");
}

TEST_F(RerankDeathTest, AnEmptyListNeedsNoModel) {
  const auto empty = [] {
    unsetenv("CHAT_MODEL_DIR");
    report([] {
      if (!chat::rerank(question, {}, encoder::trained_tokens).empty()) _exit(3);
    });
  };
  EXPECT_EXIT(empty(), testing::ExitedWithCode(0), "");
}

TEST(Rerank, GivesTheCosineOfEachDocumentInOrder) {
  const encoder model(chat::test::model_directory());
  const auto scores = chat::rerank(question, few_documents, encoder::trained_tokens);
  ASSERT_EQ(scores.size(), few_documents.size());
  for (std::size_t i = 0; i < few_documents.size(); ++i)
    EXPECT_EQ(scores[i], chat::cosine(model.embed(question), model.embed(few_documents[i]))) << "document " << i;
  EXPECT_EQ(chat::order_by_score(scores).front(), 1U) << "the document about a PDF viewer";
}

TEST(Rerank, CutsEveryTextOffAtTheLimit) {
  std::string text;
  for (int i = 0; i < 40; ++i) text += "Evince is a document viewer. ";
  const std::vector<std::string> pair{text, text + "The stock market crashed in 1929."};
  const auto limited = chat::rerank(question, pair, 32);
  EXPECT_EQ(limited[0], limited[1]);
  const auto unlimited = chat::rerank(question, pair, encoder::no_limit);
  EXPECT_NE(unlimited[0], unlimited[1]);
}

}  // namespace
