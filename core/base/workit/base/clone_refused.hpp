// why_clone_refused: the sentence for a kernel that makes no thread and no process.
#pragma once

#include <string_view>

namespace workit {

/// What is the matter when the C library could make no thread or process for `error` (EPERM); empty for any other
/// cause. Blocks: no. Threads: any.
[[nodiscard]] std::string_view why_clone_refused(int error) noexcept;

}  // namespace workit
