// duration_text: durations as text for people.
#pragma once

#include <string>
#include <workit/base/clock.hpp>

namespace workit::detail {

/// Whole milliseconds, as errors and reasons state their limits: "1500 ms".
[[nodiscard]] inline std::string in_ms(duration d) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(d).count()) + " ms";
}

/// Two or three digits and a unit, from "0 us" over "1.2 ms", "41 ms", "9.5 s" and "12 min 5 s" to "3 h 20 min".
[[nodiscard]] inline std::string in_words(duration d) {
  if (d < duration::zero()) return "-" + in_words(d == duration::min() ? duration::max() : -d);
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(d).count();
  const auto tenths = [](auto amount, auto unit, const char* name) {
    const auto whole = std::to_string(amount / unit);
    const auto tenth = amount % unit * 10 / unit;
    return (amount < 10 * unit && tenth != 0 ? whole + '.' + std::to_string(tenth) : whole) + ' ' + name;
  };
  constexpr std::int64_t ms = 1000, s = 1000 * ms, min = 60 * s, h = 60 * min;
  const auto pair = [&](std::int64_t unit, const char* name, std::int64_t below, const char* name_below) {
    const auto rest = us % unit / below;
    return std::to_string(us / unit) + ' ' + name + (rest != 0 ? ' ' + std::to_string(rest) + ' ' + name_below : "");
  };
  if (us < ms) return std::to_string(us) + " us";
  if (us < s) return tenths(us, ms, "ms");
  if (us < min) return tenths(us, s, "s");
  if (us < h) return pair(min, "min", s, "s");
  return pair(h, "h", min, "min");
}

}  // namespace workit::detail
