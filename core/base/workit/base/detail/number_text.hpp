// number_text: numbers as text, whatever the locale says of decimal points.
#pragma once

#include <array>
#include <charconv>
#include <string>

namespace workit::detail {

/// The shortest text that reads back as the same number: "0.125", "5e-324", "inf", "nan".
[[nodiscard]] inline std::string number_text(double number) {
  std::array<char, 32> text{};  // 24 are the longest
  return {text.begin(), std::to_chars(text.begin(), text.end(), number).ptr};
}

/// With that many significant digits, as printf(3)'s %g: "1.45", "12.3".
[[nodiscard]] inline std::string number_text(double number, int digits) {
  std::array<char, 64> text{};
  return {text.begin(), std::to_chars(text.begin(), text.end(), number, std::chars_format::general, digits).ptr};
}

}  // namespace workit::detail
