// A process that keeps a worker's memory, so that the worker dies without tearing it down.
#pragma once

#include <sys/types.h>

namespace workit::workers {

/// Starts one for the calling process, which becomes its brother: a child of `zygote`, the caller's parent, for that
/// one to kill and reap. It runs in the same memory (clone(2), CLONE_VM), in which it never executes anything again;
/// it has no descriptors, and may make no system call but the one in which it sleeps. It dies when the zygote does.
/// Returns its pid, or -1 where it cannot be had: then the worker's death takes as long as its memory does.
/// Threads: the caller is the only one, and has all signals blocked, which the keeper inherits.
pid_t start_memory_keeper(pid_t zygote) noexcept;

}  // namespace workit::workers
