// WORKIT_ASSERT: an assertion on misuse, active in all builds, that fails with a sentence.
#pragma once

#include <string>

namespace workit::detail {

/// Writes the sentence and where it was found to standard error, then aborts.
/// Blocks: until the sentence is written. Threads: any.
[[noreturn]] void fail_assertion(const char* condition, const char* file, int line, const std::string& sentence);

}  // namespace workit::detail

/// Ends the process with `sentence` when `condition` does not hold. The sentence names the object, the wrong act and
/// what to do instead; it is built only on failure.
#define WORKIT_ASSERT(condition, sentence)             \
  (static_cast<bool>(condition) ? static_cast<void>(0) \
                                : ::workit::detail::fail_assertion(#condition, __FILE__, __LINE__, (sentence)))
