// Where and how the operator lets this process run, whatever one of its threads has chosen for itself.
#pragma once

#include <sched.h>

#include <cstddef>
#include <optional>
#include <workit/base/detail/scheduling.hpp>

namespace workit::detail {

/// Notes the calling thread's processors as the process's, unless that was done before. init() and
/// workit::preempt_thread have it called before any constructor of a shared library: OpenMP's pins the main thread
/// (OMP_PROC_BIND). Otherwise it is called before the program's own constructors. Threads: one.
void note_processors_at_start() noexcept;

/// Those; nothing on machines with more processors than the set has. Threads: any.
[[nodiscard]] std::optional<cpu_set_t> processors_at_start() noexcept;

/// For a process that another one has started: those of that one. Threads: one.
void set_processors_at_start(const cpu_set_t& theirs) noexcept;

/// How many they are, at least 1. Threads: any.
[[nodiscard]] std::size_t process_cpus() noexcept;

/// Whether a thread may spin for what another one does: there are several processors. Threads: any.
[[nodiscard]] bool spinning_pays() noexcept;

/// Gives the calling thread these processors, and policy and niceness of the main thread of `process`, but no real-time
/// policy: a thread that computes would starve the warden. What the kernel does not permit stays. Threads: any.
void run_as_process(pid_t process) noexcept;

}  // namespace workit::detail
