// A thread that runs on although its task is over for everybody else gives way to whoever wants its processor.
#pragma once

#include <sys/types.h>

namespace workit::workers {

/// Lowers that thread's priority to the least of its policy, and has whoever is woken on its processor preempt it, also
/// at the begin of its turn, which the kernel protects from those whose slices are as long (Linux 6.12: sched(7) and
/// sched_attr.sched_runtime; kernel/sched/fair.c, PREEMPT_SHORT). Older kernels lower the priority alone. Not
/// SCHED_IDLE, although that gives way sooner: it may hold what others wait for. Threads: any, for one of its process.
void lower_priority(pid_t thread) noexcept;

}  // namespace workit::workers
