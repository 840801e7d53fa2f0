// Reads the package descriptions of a Debian system.
#pragma once

#include <filesystem>
#include <vector>

#include "search/document.hpp"

namespace chat {

/// Where dpkg keeps what is installed: about a thousand documents on any Debian.
inline constexpr const char* dpkg_status = "/var/lib/dpkg/status";

/// One document per package, in the file's order: its name, and as text its synopsis and long description on one line,
/// a full stop between the two. A package installed for two architectures appears once; one without a description does
/// not. Also reads the Translation-en files of apt, which hold every package there is.
/// Blocks: for the read.
/// Errors: std::runtime_error that names the file when it is absent or holds no description.
[[nodiscard]] std::vector<document> read_corpus(const std::filesystem::path& status_file = dpkg_status);

}  // namespace chat
