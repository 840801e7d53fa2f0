// log_level: how much a line of a log matters.
#pragma once

#include <cstdint>
#include <string_view>

namespace workit {

enum class log_level : std::uint8_t { debug, info, warn, error };
[[nodiscard]] constexpr std::string_view to_string(log_level l) noexcept {
  switch (l) {
    case log_level::debug:
      return "debug";
    case log_level::info:
      return "info";
    case log_level::warn:
      return "warn";
    case log_level::error:
      return "error";
  }
  return "?";
}

}  // namespace workit
