// A process that holds a worker's memory, so that the worker's death does not wait until the kernel has freed it.
#pragma once

#include <sys/types.h>

namespace workit::workers {

/// Starts one as a sibling of the calling process: a child of `zygote`, the caller's parent, which kills and reaps it.
/// It shares the caller's memory (clone(2), CLONE_VM) and, once it sleeps, executes nothing there; it has no
/// descriptors, and its filter allows only the system call in which it sleeps. It dies when the zygote does. Returns
/// its pid, or -1 when there is none: then the worker's death takes as long as freeing its memory. Threads: the
/// process's only one. Requires: all signals are blocked, which the mm_holder inherits.
pid_t start_mm_holder(pid_t zygote) noexcept;

}  // namespace workit::workers
