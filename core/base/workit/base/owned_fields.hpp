// owned_fields: names and values that own their text.
#pragma once

#include <string>
#include <utility>
#include <vector>
#include <workit/base/field.hpp>

namespace workit {

/// What is kept of fields. Values are text: "true", "10", "0.5".
using owned_fields = std::vector<std::pair<std::string, std::string>>;

/// Copies all that `data` refers to.
[[nodiscard]] owned_fields keep(fields data);

}  // namespace workit
