// The exception being handled, and those that led to it, as words that can travel.
#pragma once

#include <string>
#include <vector>
#include <workit/base/worker_errors.hpp>

namespace workit::workers {

/// It comes first, then its causes as remote_error::causes() has them. Where there is no what() a sentence says so.
/// Requires: called in a catch block. Errors: std::bad_alloc only.
[[nodiscard]] std::vector<exception_text> describe_current_exception();

/// The same in one sentence. Requires and Errors: the same.
[[nodiscard]] std::string sentence_of_current_exception();

}  // namespace workit::workers
