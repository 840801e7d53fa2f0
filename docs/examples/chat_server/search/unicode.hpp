// Code points of UTF-8 text, normalized or as they are.
#pragma once

#include <string>
#include <string_view>

namespace chat {

/// The code points of `utf8`. Every invalid sequence becomes U+FFFD, so any bytes are allowed.
/// Threads: any.
/// Errors: std::length_error past 2 GiB.
[[nodiscard]] std::u32string code_points(std::string_view utf8);

/// The code points of `utf8` in normalization form KC (Unicode Standard Annex 15). Every invalid sequence becomes
/// U+FFFD, so any bytes are allowed. Takes time linear in the length: a run of more than 2000 UTF-16 units without a
/// normalization boundary, which no written language has, is normalized in parts.
/// Threads: any.
/// Errors: std::length_error past 2 GiB.
[[nodiscard]] std::u32string normalized_code_points(std::string_view utf8);

}  // namespace chat
