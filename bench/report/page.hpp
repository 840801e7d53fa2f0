// A run as one HTML page that needs nothing else: no network, no script.
#pragma once

#include <filesystem>
#include <string>

#include "run.hpp"

namespace workit::bench_report {

/// The page, in UTF-8.
[[nodiscard]] std::string page(const run& r);

/// Writes the page. Errors: bad_input, when the file cannot be written.
void write_page(const run& r, const std::filesystem::path& file);

/// The page's style sheet.
[[nodiscard]] std::string_view style() noexcept;

}  // namespace workit::bench_report
