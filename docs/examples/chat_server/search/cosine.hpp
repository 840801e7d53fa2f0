// The cosine of the angle between two vectors.
#pragma once

#include <span>

namespace chat {

/// From -1 to 1, and 0 when either vector is zero.
/// Threads: any.
/// Errors: std::invalid_argument with both lengths when they differ.
[[nodiscard]] float cosine(std::span<const float> a, std::span<const float> b);

}  // namespace chat
