// Lowers the priority of a thread whose stop was refused, so that other threads get its processor.
#pragma once

#include <sys/types.h>

namespace workit::workers {

/// Sets the lowest priority of the thread's policy and the longest slice, so that a thread that is woken on its
/// processor preempts it, even at the beginning of its slice (Linux 6.12: sched(7), sched_attr.sched_runtime;
/// kernel/sched/fair.c, PREEMPT_SHORT). Older kernels lower the priority only. Not SCHED_IDLE, although that yields
/// sooner: the thread may hold a lock that others wait for. Threads: any, for a thread of its process.
void lower_priority(pid_t thread) noexcept;

}  // namespace workit::workers
