// log_level: how much a line of a log matters.
#pragma once

#include <cstdint>
#include <string_view>

namespace workit {

enum class log_level : std::uint8_t { debug, info, warn, error };
[[nodiscard]] std::string_view to_string(log_level l) noexcept;

}  // namespace workit
