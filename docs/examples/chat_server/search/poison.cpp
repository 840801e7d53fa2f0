// A document that is far too long, and real.
#include "search/poison.hpp"

#include <algorithm>
#include <stdexcept>

namespace chat {
namespace {

bool continues_character(char c) { return (c & 0xC0) == 0x80; }

void cut_to_whole_character(std::string& text, std::size_t bytes) {
  if (text.size() <= bytes) return;
  while (bytes > 0 && continues_character(text[bytes])) --bytes;
  text.resize(bytes);
}

}  // namespace

std::string poison_document(std::span<const document> corpus, std::size_t bytes) {
  if (std::ranges::all_of(corpus, [](const document& each) { return each.text.empty(); }))
    throw std::invalid_argument("a poison document needs a corpus with at least one text");
  std::string text;
  while (text.size() < bytes) {
    for (const document& each : corpus) {
      if (text.size() >= bytes) break;
      if (!text.empty()) text += ' ';
      text += each.text;
    }
  }
  cut_to_whole_character(text, bytes);
  return text;
}

}  // namespace chat
