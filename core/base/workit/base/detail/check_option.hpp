// WORKIT_CHECK_OPTION: a check of what a program is given, which can come from a configuration or a request.
#pragma once

#include <string>

namespace workit::detail {

/// Throws std::invalid_argument with the sentence.
[[noreturn]] void refuse_option(const std::string& sentence);

}  // namespace workit::detail

/// Throws std::invalid_argument with `sentence` when `condition` does not hold, before anything has begun. The sentence
/// says what was given and what is allowed; it is built only then. What only the program's text can do wrong is
/// WORKIT_ASSERT's.
#define WORKIT_CHECK_OPTION(condition, sentence) \
  (static_cast<bool>(condition) ? static_cast<void>(0) : ::workit::detail::refuse_option((sentence)))
