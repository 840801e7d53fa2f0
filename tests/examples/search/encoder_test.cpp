// encoder: the vectors of the reference implementation, and that a wrong model does not give them.
#include "search/encoder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "altered_model.hpp"
#include "expect_error.hpp"
#include "model_directory.hpp"
#include "search/cosine.hpp"

namespace {

using chat::encoder;
using chat::test::altered_model;
using chat::test::expect_error;
using chat::test::model_directory;

static_assert(!std::is_copy_constructible_v<encoder>, "its parameters point into its weights");

const encoder& real() {
  static const encoder loaded(model_directory());
  return loaded;
}

/// Sentences with the vectors that the reference implementation gives them.
struct golden {
  std::vector<std::string> sentences;
  std::vector<std::vector<float>> vectors;
};

const golden& reference() {
  static const golden read = [] {
    const auto file = nlohmann::json::parse(std::ifstream(CHAT_SEARCH_GOLDEN));
    return golden{file.at("sentences").get<std::vector<std::string>>(),
                  file.at("vectors").get<std::vector<std::vector<float>>>()};
  }();
  return read;
}

/// The largest difference of any number of any vector from the reference.
float worst_error(const encoder& model) {
  float worst = 0;
  for (std::size_t s = 0; s < reference().sentences.size(); ++s) {
    const auto vector = model.embed(reference().sentences[s]);
    for (std::size_t i = 0; i < vector.size(); ++i)
      worst = std::max(worst, std::abs(vector[i] - reference().vectors[s].at(i)));
  }
  return worst;
}

float length(const std::vector<float>& vector) {
  double squares = 0;
  for (const float v : vector) squares += double{v} * v;
  return static_cast<float>(std::sqrt(squares));
}

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

TEST(Encoder, MatchesTheReferenceImplementation) {
  ASSERT_EQ(reference().sentences.size(), 4U);
  EXPECT_LT(worst_error(real()), 1e-5F);
}

TEST(Encoder, DoesNotMatchItWithTwoPiecesSwapped) {
  const altered_model wrong("vocab.json", [](nlohmann::json& pieces) { std::swap(pieces[8], pieces[9]); });
  EXPECT_GT(worst_error(encoder(wrong.path())), 1e-3F);
}

TEST(Encoder, DoesNotMatchItWithOneScoreChanged) {
  const altered_model wrong("vocab.json", [](nlohmann::json& pieces) { pieces[9][1] = -100; });
  EXPECT_GT(worst_error(encoder(wrong.path())), 1e-3F);
}

TEST(Encoder, DoesNotMatchItWithTheBiasesOfTwoLayersSwapped) {
  const altered_model wrong("model.json", [](nlohmann::json& model) {
    const std::string scope = "module_apply_default/Encoder_en/KonaTransformer/Encode/";
    const std::string bias = "/TransformerLayer/FFN/conv1/bias/ConcatPartitions/concat";
    int renamed = 0;
    for (auto& weight : model["weightsManifest"][0]["weights"]) {
      if (weight["name"] == scope + "Layer_0" + bias)
        weight["name"] = scope + "Layer_1" + bias, ++renamed;
      else if (weight["name"] == scope + "Layer_1" + bias)
        weight["name"] = scope + "Layer_0" + bias, ++renamed;
    }
    ASSERT_EQ(renamed, 2);
  });
  EXPECT_GT(worst_error(encoder(wrong.path())), 1e-3F);
}

TEST(Encoder, RefusesAModelOfOtherShapes) {
  const altered_model wrong("model.json", [](nlohmann::json& model) {
    for (auto& weight : model["weightsManifest"][0]["weights"])
      if (weight["name"] == "module/Encoder_en/hidden_layers/tanh_layer_0/weights") weight["shape"] = {256, 1024};
  });
  expect_error<std::runtime_error>([&] { encoder{wrong.path()}; }, "tanh_layer_0/weights", "[256 x 1024]",
                                   "expected [512 x 512]");
}

TEST(Encoder, RefusesAVocabularyLargerThanItsEmbeddingTable) {
  const altered_model wrong("vocab.json", [](nlohmann::json& pieces) {
    while (pieces.size() < 9000) pieces.push_back({"piece", -9});
  });
  expect_error<std::runtime_error>([&] { encoder{wrong.path()}; }, "vocab.json", "9000 pieces", "at most 8002");
}

TEST(Encoder, SaysWhichFileAMissingFolderLacks) {
  expect_error<std::runtime_error>([] { encoder{"/nowhere/at/all"}; }, "/nowhere/at/all/model.json");
}

TEST(Encoder, PutsAParaphraseCloserThanAnotherSubject) {
  const auto question = real().embed("How do I view a PDF document on Linux?");
  const float answer =
      chat::cosine(question, real().embed("Evince is a document viewer for PDF and PostScript files."));
  const float other = chat::cosine(question, real().embed("The stock market crashed in 1929."));
  EXPECT_GT(answer, other + 0.3F);
}

TEST(Encoder, GivesAUnitVectorForAnyBytes) {
  for (const std::string text : {"", " ", "\n", "\xFF\xFE\x80", "\xE2\x96", "你好世界", "\x01\x02\x03", "a"}) {
    const auto vector = real().embed(text);
    ASSERT_EQ(vector.size(), encoder::dimensions);
    EXPECT_NEAR(length(vector), 1, 1e-5F) << "for \"" << text << "\"";
  }
  EXPECT_NEAR(length(real().embed(std::string(1000, '\0'))), 1, 1e-5F);
}

TEST(Encoder, ReadsNothingPastItsLimit) {
  const std::string text = repeated("Evince is a document viewer. ", 40);
  ASSERT_GT(real().token_count(text), 2 * encoder::trained_tokens);
  EXPECT_EQ(real().embed(text), real().embed(text + "The stock market crashed in 1929."));
  EXPECT_EQ(real().embed(text, 0), real().embed(""));
}

TEST(Encoder, ReadsEverythingWithoutALimit) {
  const std::string text = repeated("Evince is a document viewer. ", 40);
  EXPECT_NE(real().embed(text, encoder::no_limit), real().embed(text));
  EXPECT_NE(real().embed(text, encoder::no_limit), real().embed(text + "Stock market.", encoder::no_limit));
}

TEST(Encoder, ReadsAShortTextAlikeWithAndWithoutALimit) {
  EXPECT_EQ(real().embed("A short text.", encoder::no_limit), real().embed("A short text."));
}

TEST(Encoder, GivesOneTextOneVectorEachTime) { EXPECT_EQ(real().embed("The same."), real().embed("The same.")); }

}  // namespace
