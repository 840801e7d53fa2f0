// Type and text of the exception being handled, as strings that can travel.
#pragma once

#include <string>

namespace workit::workers {

struct exception_info {
  std::string type;  ///< demangled
  std::string what;  ///< what(), or a sentence when the exception has none
};

/// Requires: called in a catch block. Errors: std::bad_alloc only.
[[nodiscard]] exception_info describe_current_exception();

}  // namespace workit::workers
