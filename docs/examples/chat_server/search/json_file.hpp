// Reading one JSON file, with errors that name it.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

namespace chat {

/// The parsed content of `file`.
/// Blocks: for the read.
/// Errors: std::runtime_error that names the file when it cannot be opened or is not JSON.
[[nodiscard]] nlohmann::json read_json(const std::filesystem::path& file);

}  // namespace chat
