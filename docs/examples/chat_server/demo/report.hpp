// The demo's result as a table that a person reads in ten seconds.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace demo {

/// Lines of at most 100 columns.
[[nodiscard]] std::string as_table(const nlohmann::json& result);

}  // namespace demo
