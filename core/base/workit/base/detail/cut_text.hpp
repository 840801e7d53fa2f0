// Texts that have to fit: cut between two characters of UTF-8, and visibly.
#pragma once

#include <string>
#include <string_view>

namespace workit::detail {

/// How many of the first `most` bytes can be kept without parting a character.
[[nodiscard]] std::size_t whole_characters(std::string_view text, std::size_t most) noexcept;

/// `text`, or as much of its beginning as leaves room for "... (cut: N bytes in all)" within `most` bytes.
/// Requires: `most` is 64 or more.
[[nodiscard]] std::string cut_text(std::string text, std::size_t most);

}  // namespace workit::detail
