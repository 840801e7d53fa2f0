// The children of this process as the kernel lists them.
#pragma once

#include <sys/types.h>

#include <string_view>
#include <vector>

namespace workit::workers {

/// Whether the pids in /proc are those of this PID namespace. A namespace without a /proc of its own sees the pids of
/// the one above: a kill by them would hit other processes.
[[nodiscard]] bool proc_is_ours() noexcept;

/// Of the calling thread; none where /proc is not ours or the kernel has no list (CONFIG_PROC_CHILDREN).
[[nodiscard]] std::vector<pid_t> list_children();

/// Pids separated by blanks, as in /proc/thread-self/children (proc(5)). Stops at what is no number.
[[nodiscard]] std::vector<pid_t> parse_pids(std::string_view list);

}  // namespace workit::workers
