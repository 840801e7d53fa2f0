// The scope in which a task runs that asks for its context: a runtime without I/O threads, on the worker's own thread.
#pragma once

#include <workit/workers/detail/control_block.hpp>

namespace workit::workers {

/// What a call has to know of the process it is in.
struct worker_surroundings {
  control_block* control = nullptr;
  int line = -1;                           ///< the socket to the host
  const std::atomic<int>* bell = nullptr;  ///< the eventfd of the task's loop
};

/// From now on run_in_worker_scope() runs tasks of this worker: with the deadline and name of its request, stopped when
/// it is asked to, and heard by its host. Lifetime: the process's.
void set_worker_surroundings(const worker_surroundings& here) noexcept;

/// As it was set; all null before that.
[[nodiscard]] const worker_surroundings& inherited_context() noexcept;

/// How many threads of this process are there because of such scopes.
[[nodiscard]] unsigned scope_threads() noexcept;

}  // namespace workit::workers
