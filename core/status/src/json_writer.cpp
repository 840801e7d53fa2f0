// json_writer: strings and numbers.
#include "json_writer.hpp"

#include <cmath>

namespace workit::detail {
namespace {

// How many bytes the character at the front of `text` has; 0 when it is no UTF-8 (RFC 3629, section 4).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xc2 && first <= 0xdf   ? 2
                             : first >> 4 == 0xe              ? 3
                             : first >= 0xf0 && first <= 0xf4 ? 4
                                                              : 0;
  for (std::size_t i = 1; i < length; ++i)
    if (byte(i) >> 6 != 2) return 0;
  const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool no_character = (first == 0xed && byte(1) > 0x9f) || (first == 0xf4 && byte(1) > 0x8f);
  return overlong || no_character ? 0 : length;
}

}  // namespace

std::string json_string(std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  std::string out = "\"";
  while (!text.empty()) {
    const auto first = static_cast<unsigned char>(text.front());
    auto length = utf8_length(text);
    if (length == 0) {
      out += "\xef\xbf\xbd";
      do text.remove_prefix(1);  // one mark for a character that was cut short
      while (!text.empty() && static_cast<unsigned char>(text.front()) >> 6 == 2);
      continue;
    }
    if (first < 0x20) {
      out += "\\u00";
      out += hex[first >> 4];
      out += hex[first & 15];
    } else {
      if (first == '"' || first == '\\') out += '\\';
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return out += '"';
}

json_value microseconds(duration d) {
  const auto tenths = std::chrono::duration_cast<std::chrono::nanoseconds>(d).count() / 100;
  const auto size = tenths < 0 ? -tenths : tenths;
  return json_value::verbatim((tenths < 0 ? "-" : "") + std::to_string(size / 10) + '.' + std::to_string(size % 10));
}

json_value fraction(double of_one) {
  if (!(of_one >= 0 && of_one <= 1e6)) return json_value::verbatim("null");
  const auto thousandths = std::lround(of_one * 1000);
  auto digits = std::to_string(thousandths % 1000);
  digits.insert(0, 3 - digits.size(), '0');
  return json_value::verbatim(std::to_string(thousandths / 1000) + '.' + digits);
}

}  // namespace workit::detail
