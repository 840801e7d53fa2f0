// Where the standard output and error of workers go.
#pragma once

#include <cstdint>

namespace workit {

/// Where the standard output and error of workers go.
enum class worker_output : std::uint8_t {
  inherit,  ///< to those of the host. A worker that fills an unread pipe blocks, until its deadline
  null,     ///< to /dev/null
  /// To the host, task by task: worker_usage::output, which on_end hears and every worker_error carries, holds the last
  /// 64 KiB; what came before is counted and dropped. The host reads at once, so that a task does not wait for
  /// a reader, and has the last output of a task that crashes. Standard output is written line by line. What preload
  /// and worker_init print goes to the host's own.
  captured,
};

}  // namespace workit
