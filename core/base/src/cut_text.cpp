// cut_text: see the header.
#include <workit/base/detail/cut_text.hpp>

namespace workit::detail {

std::size_t whole_characters(std::string_view text, std::size_t most) noexcept {
  if (text.size() <= most) return text.size();
  const auto continues = [&](std::size_t at) { return (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80; };
  while (most > 0 && continues(most)) --most;
  return most;
}

std::string cut_text(std::string text, std::size_t most) {
  if (text.size() <= most) return text;
  const auto mark = "... (cut: " + std::to_string(text.size()) + " bytes in all)";
  text.resize(whole_characters(text, most - mark.size()));
  return text += mark;
}

}  // namespace workit::detail
