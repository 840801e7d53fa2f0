// Whether threads can be stopped in this process.
#pragma once

#include <string>

namespace workit::preempt {

/// Why threads cannot be stopped in this process, as a sentence that says what to do; empty when they can.
/// Blocks: the first time, for some milliseconds. Threads: any.
[[nodiscard]] const std::string& why_unsupported();

}  // namespace workit::preempt
