// The limits of the running task, as the worker enforces them.
#pragma once

#include <sys/resource.h>

#include <atomic>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <workit/base/worker_errors.hpp>
#include <workit/workers/process_limits.hpp>

#include "limit_note.hpp"

namespace workit::workers {

/// Thrown in a worker: a result, or a value for a channel, is larger than it may be.
struct output_exceeded {};

/// Threads: the worker's one; one object a process, since it is the process's new-handler that notes refused memory.
class task_limits {
 public:
  /// What this process has now is the base. No task can exceed the limits of `pool`, nor raise them unless it is root.
  /// `note`: in memory that the host reads, where refused memory is noted, see note_of().
  task_limits(const limit_values& pool, std::atomic<std::uint32_t>& note) noexcept;
  task_limits(const task_limits&) = delete;
  task_limits& operator=(const task_limits&) = delete;

  /// The same for files, once worker_init has opened its own: a task may begin with `most_open` descriptors.
  void seal_files(unsigned most_open) noexcept;

  /// Puts a task's limits into force; costs nothing when there are none. `open`: with a limit of files, how many
  /// descriptors are open now, which are not the task's. Writes the reading of the processor clock at which the kernel
  /// will end the worker to `cpu_end_ns`. Returns a sentence when one cannot be kept.
  [[nodiscard]] std::optional<std::string> begin(const limit_values& task, unsigned open,
                                                 std::atomic<std::uint64_t>& cpu_end_ns);
  /// The task is over: its processor time is not limited any more.
  void end() noexcept;

  /// Called in a catch block: the limit that has caused the exception. Lifts the limit of memory, so that the worker
  /// can describe an exception that has another cause.
  [[nodiscard]] std::optional<resource> blame() noexcept;

 private:
  struct soft_limit {
    int which = 0;
    std::uint64_t wanted = limit_values::none;  // as last set
    rlimit at_start{};
  };
  static void seal(soft_limit& limit, int which, std::uint64_t most) noexcept;
  void cut_stack(std::uint64_t wanted) noexcept;
  static bool set(soft_limit& limit, std::uint64_t wanted) noexcept;

  const std::uint64_t base_bytes_;
  const std::uint64_t pool_files_;
  const bool no_children_;
  soft_limit memory_, files_, stack_;
  std::uint64_t stack_reach_ = 0;  // how deep the stack can have grown by now
  bool cpu_limited_ = false;
  bool has_timer_ = false;
  timer_t timer_{};
};

/// The end of this process's stack, from where it grows down. Reads a file the first time, which the zygote does for
/// its workers. 0 when the kernel does not say.
[[nodiscard]] std::uintptr_t end_of_stack() noexcept;

/// Notes the limit if the task's stack has just run into it. Async-signal-safe; for a fault at `address`.
void record_stack_overflow(const void* address) noexcept;

}  // namespace workit::workers
