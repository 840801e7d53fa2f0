// Code points of UTF-8 text, normalized or as they are.
#include "search/unicode.hpp"

#include <unicode/normalizer2.h>
#include <unicode/unistr.h>

#include <cstdint>
#include <limits>
#include <stdexcept>

namespace chat {
namespace {

icu::UnicodeString decode(std::string_view utf8) {
  if (utf8.size() > std::numeric_limits<std::int32_t>::max())
    throw std::length_error("text of " + std::to_string(utf8.size()) + " bytes: at most 2 GiB can be decoded");
  return icu::UnicodeString::fromUTF8({utf8.data(), static_cast<std::int32_t>(utf8.size())});
}

void append(const icu::UnicodeString& text, std::u32string& out) {
  for (std::int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1))
    out.push_back(static_cast<char32_t>(text.char32At(i)));
}

const icu::Normalizer2& nfkc() {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* normalizer = icu::Normalizer2::getNFKCInstance(status);
  if (U_FAILURE(status)) throw std::runtime_error(std::string("ICU has no NFKC data: ") + u_errorName(status));
  return *normalizer;
}

constexpr std::int32_t preferred_part = 1000;  // UTF-16 units after which the next boundary ends a part
constexpr std::int32_t longest_part = 2000;    // UTF-16 units after which a part ends anywhere

/// The end of the part of `text` that starts at `begin`.
std::int32_t end_of_part(const icu::UnicodeString& text, std::int32_t begin, const icu::Normalizer2& normalizer) {
  std::int32_t end = begin;
  while (end < text.length()) {
    const std::int32_t length = end - begin;
    if (length >= longest_part) break;
    if (length >= preferred_part && normalizer.hasBoundaryBefore(text.char32At(end))) break;
    end = text.moveIndex32(end, 1);
  }
  return end;
}

}  // namespace

std::u32string code_points(std::string_view utf8) {
  std::u32string out;
  append(decode(utf8), out);
  return out;
}

// In parts, because sorting a run of combining marks takes time quadratic in its length: 80 KB of two alternating marks
// in one run take most of a second, 1 MB takes minutes.
std::u32string normalized_code_points(std::string_view utf8) {
  const icu::Normalizer2& normalizer = nfkc();
  const icu::UnicodeString text = decode(utf8);
  std::u32string out;
  out.reserve(static_cast<std::size_t>(text.length()));
  for (std::int32_t begin = 0; begin < text.length();) {
    const std::int32_t end = end_of_part(text, begin, normalizer);
    UErrorCode status = U_ZERO_ERROR;
    append(normalizer.normalize(text.tempSubStringBetween(begin, end), status), out);
    if (U_FAILURE(status)) throw std::runtime_error(std::string("cannot normalize: ") + u_errorName(status));
    begin = end;
  }
  return out;
}

}  // namespace chat
