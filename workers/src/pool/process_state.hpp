// The state of a process as proc(5) gives it.
#pragma once

#include <sys/types.h>

namespace workit::workers {

/// The letter in /proc/<pid>/stat, such as 'R', 'S' or 'Z'; '?' when that file cannot be read. Blocks: no.
[[nodiscard]] char process_state(pid_t pid) noexcept;

}  // namespace workit::workers
