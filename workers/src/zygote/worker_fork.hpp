// Forking one worker out of the zygote.
#pragma once

#include <sys/types.h>

#include <workit/base/unique_fd.hpp>

#include "worker.hpp"

namespace workit::workers {

struct forked_worker {
  int error = 0;  ///< errno; 0: the rest is valid
  pid_t pid = -1;
  unique_fd pidfd{};
  pid_t mm_holder = -1;          ///< -1: it has none
  unique_fd violation_socket{};  ///< the zygote's end, when there is a sandbox
};

/// `setup` without what is made here: the pipe and the socket between zygote and worker. Blocks: until the worker has
/// started its mm_holder. Requires: why_unforkable() says nothing.
[[nodiscard]] forked_worker fork_worker(worker_setup setup) noexcept;

[[nodiscard]] unique_fd open_pidfd(pid_t pid) noexcept;

}  // namespace workit::workers
