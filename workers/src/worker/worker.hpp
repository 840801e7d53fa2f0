// The process in which tasks run, one at a time.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <span>

#include <workit/workers/detail/function_id.hpp>
#include <workit/workers/process_limits.hpp>
#include <workit/workers/sandbox.hpp>
#include <workit/workers/worker_output.hpp>

#include "worker_descriptors.hpp"

namespace workit::workers {

/// What a worker is forked with. The descriptors move to the numbers that worker_descriptors gives them.
struct worker_setup {
  pid_t zygote = 0;
  int block = -1;                ///< the memfd with its control block
  int task_channel = -1;         ///< the socket to the host
  unsigned loops = 0;            ///< pipes to the loops, inherited in place; with `init` the last is for ready workers
  limit_values limits{};         ///< of the pool
  unsigned max_descriptors = 0;  ///< as process_options has it
  workit::sandbox sandbox{};
  int zygote_channel = -1;                      ///< the socket to the zygote, when there is a sandbox
  function_id init{};                           ///< worker_init; empty: none
  std::span<const std::byte> init_arguments{};  ///< in memory that the zygote keeps
  std::span<const std::byte> host_modules{};    ///< there, too
  worker_output output = worker_output::inherit;
  int captured = -1;        ///< the pipe that takes its output once worker_init has run; -1: none
  int mm_holder_pipe = -1;  ///< where it writes the pid of its mm_holder, before anything else

  [[nodiscard]] worker_descriptors descriptors() const noexcept {
    return {.loops = loops, .sandboxed = zygote_channel >= 0, .captured = captured >= 0};
  }
};

/// The life of a worker: parks, runs tasks, commits results, until it is killed or its zygote ends. Called in the child
/// right after fork().
[[noreturn]] void run_worker(const worker_setup& setup);

}  // namespace workit::workers
