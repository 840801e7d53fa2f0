// The one rule for names: 1 to 128 bytes.
#pragma once

#include <string>

namespace workit::detail {

inline constexpr std::size_t longest_name = 128;

/// The name of a task or scope, which can come from a request: a longer one is cut between two characters of UTF-8 and
/// ends with "...", an empty one becomes "anonymous". Returns `name`: a task's is on the way of each spawn.
[[nodiscard]] std::string&& fitted_name(std::string&& name);

/// For names by which things are found, and which are therefore not cut.
/// Errors: std::invalid_argument unless `name` has 1 to 128 bytes; `whose` begins the sentence, as in "a key's".
void check_name(const char* whose, const std::string& name);

}  // namespace workit::detail
