// The system calls that a pool of processes cannot do without.
#pragma once

namespace workit::workers {

/// Tries them out: those of the host, of its zygotes and of its workers, which inherit the host's filters.
/// Blocks: no. Errors: start_failed, which names those that are refused.
void require_calls_of_pool();

}  // namespace workit::workers
