// The process in which tasks run, one at a time.
#pragma once

#include <sys/types.h>

#include <workit/workers/detail/function_id.hpp>
#include <workit/workers/detail/wire_stream.hpp>
#include <workit/workers/process_options.hpp>

namespace workit::workers {

/// What a worker is forked with.
struct worker_birth {
  pid_t zygote = 0;
  int block = -1;         ///< the memfd with its control block; becomes descriptor 3
  int line = -1;          ///< the socket on which a task tells the host things; becomes the one after the loops'
  unsigned loops = 0;     ///< the loops' eventfds are descriptors 4, 5, ...; with `init` the last is for its end
  limit_values limits{};  ///< of the pool
  workit::sandbox sandbox{};
  int channel = -1;    ///< to the zygote, when there is a sandbox; becomes the descriptor behind the line's
  function_id init{};  ///< worker_init; empty: none
  worker_output output = worker_output::inherit;
  int captured = -1;  ///< the pipe that its output goes to; becomes the descriptor behind these, until init has run
  int keeper = -1;    ///< the pipe on which it tells the zygote the pid of its memory's keeper, before anything else
};

/// The life of a worker: parks, runs tasks, commits results, until it is killed or its zygote ends. Called in the child
/// right after fork().
[[noreturn]] void run_worker(const worker_birth& birth);

}  // namespace workit::workers
