// check_name: the one rule for names that people give.
#pragma once

#include <string>
#include <workit/base/assert.hpp>

namespace workit::detail {

/// Errors: asserts that `name` has 1 to 128 characters; `whose` begins the sentence, as in "a task's".
inline void check_name(const char* whose, const std::string& name) {
  constexpr std::size_t longest = 128;
  WORKIT_ASSERT(!name.empty() && name.size() <= longest,
                std::string(whose) + " name has " + std::to_string(name.size()) + " characters; it may have 1 to 128");
}

}  // namespace workit::detail
