// The first steps of a forked worker: from a copy of its zygote to a process of its own.
#pragma once

#include "worker.hpp"

namespace workit::workers {

/// Registers for the barrier, starts the mm_holder, resets what it has inherited, and moves its descriptors to their
/// numbers; all others are closed. Ends the process where that cannot be. Threads: the process's only one.
void start_worker(const worker_setup& setup) noexcept;

}  // namespace workit::workers
