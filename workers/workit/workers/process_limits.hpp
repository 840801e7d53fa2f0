// What a task in a worker process may take at most.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <workit/base/time_span.hpp>

namespace workit {

/// Of a pool, for each of its tasks, or of one call; where both say something the lower one holds. A task that reaches
/// one ends with resource_exceeded, and its worker is replaced; other tasks are not affected.
///
/// All are unlimited by default: what is much for one library is little for another, and a guessed limit fails on the
/// day that matters. They guard against accidents; docs/process-boundary.md says which of them a hostile task can move.
struct process_limits {
  /// Bytes of private writable memory beyond what the worker had when it was ready, preload and all. What the task
  /// shares with others, maps to read, or only reserves does not count (RLIMIT_DATA). What cannot be had is refused:
  /// a std::bad_alloc that leaves the task is the end by this limit. 64 KiB at least.
  std::optional<std::uint64_t> memory{};
  /// Processor time of the task, its threads included and its children not; to the kernel's tick, 1 to 10 ms. The
  /// kernel ends the worker, also when the host is stopped.
  std::optional<time_span> cpu{};
  /// Files, sockets and other descriptors that are open at once, beside the worker's own. One more fails with EMFILE; a
  /// std::system_error that says so and leaves the task is the end by this limit.
  std::optional<std::uint64_t> files{};
  /// Bytes of the encoded result. A larger one is not committed; the host looks again.
  std::optional<std::uint64_t> output{};
  /// Bytes of stack for the task's own thread, 64 KiB to 64 MiB; by default what the host was started with, 8 MiB as a
  /// rule.
  std::optional<std::uint64_t> stack{};
  /// Child processes at once; of pools only. 0 is kept by a seccomp filter: fork fails with EAGAIN, threads are fine.
  /// More than 0 takes a cgroup (process_options::cgroup), where it bounds the processes and threads of the whole
  /// pool; without one it stays unlimited, and process_pool::limits() says so.
  std::optional<std::uint64_t> processes{};
};

namespace workers {

/// The same in numbers that travel between processes; `none` where there is no limit.
struct limit_values {
  static constexpr std::uint64_t none = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t memory = none;
  std::uint64_t cpu_ns = none;
  std::uint64_t files = none;
  std::uint64_t output = none;
  std::uint64_t stack = none;
  std::uint64_t processes = none;
};

[[nodiscard]] limit_values values_of(const process_limits& limits) noexcept;
/// The lower of each.
[[nodiscard]] limit_values stricter(const limit_values& a, const limit_values& b) noexcept;
/// What is wrong with them, as the end of a sentence that begins with the options' name; nothing when all is well.
[[nodiscard]] std::optional<std::string> complaint_about(const process_limits& limits);

}  // namespace workers
}  // namespace workit
