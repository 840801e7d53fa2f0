// SIGKILL to a worker, whoever of us may send it.
#pragma once

namespace workit::workers {

class worker_handle;

/// Kills it; through its zygote where this process may not, because it has dropped its privileges since. True when the
/// kill was sent from here: only then a barrier proves anything, else the pidfd tells.
/// Blocks: no. Threads: any, without the mutex of a pool.
bool kill_worker(worker_handle& worker) noexcept;

}  // namespace workit::workers
