// The pieces a text is cut into, with their scores.
#include "search/vocabulary.hpp"

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "search/json_file.hpp"

namespace chat {
namespace {

bool is_piece(const nlohmann::json& entry) {
  return entry.is_array() && entry.size() == 2 && entry[0].is_string() && (entry[1].is_number() || entry[1].is_null());
}

}  // namespace

std::vector<piece> read_vocabulary(const std::filesystem::path& vocab_json) {
  const nlohmann::json listed = read_json(vocab_json);
  if (!listed.is_array()) throw std::runtime_error(vocab_json.string() + " is not an array of [piece, score]");
  std::vector<piece> pieces;
  pieces.reserve(listed.size());
  for (const auto& entry : listed) {
    if (!is_piece(entry))
      throw std::runtime_error(vocab_json.string() + ": entry " + std::to_string(pieces.size()) + " is " +
                               entry.dump() + ", expected [piece, score]");
    pieces.push_back({entry[0].get<std::string>(), entry[1].is_null() ? 0.0 : entry[1].get<double>()});
  }
  return pieces;
}

}  // namespace chat
