// The scope of a task that takes a context&: a runtime without I/O threads, on the worker's own thread.
#pragma once

#include <workit/workers/detail/control_block.hpp>

namespace workit::workers {

/// How a worker reaches its host.
struct host_link {
  control_block* control = nullptr;
  int socket = -1;                               ///< the task channel
  const std::atomic<int>* loop_event = nullptr;  ///< wakes the task's loop
};

/// From now on run_in_worker_scope() runs tasks of this worker: with the deadline and name of its request, stopped when
/// the host asks for it, and with its reports sent to the host. Lifetime: `link` is valid until the process ends.
void set_host_link(const host_link& link) noexcept;

/// The link of this process; all null before set_host_link().
[[nodiscard]] const host_link& this_host_link() noexcept;

/// Wakes the task's loop, so that the host reads the task channel. Blocks: no.
void wake_host() noexcept;

/// How many threads such scopes have started in this process.
[[nodiscard]] unsigned scope_threads() noexcept;

}  // namespace workit::workers
