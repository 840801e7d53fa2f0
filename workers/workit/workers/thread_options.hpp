// What a pool of stoppable threads is made with: each default stands beside its reason.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <vector>
#include <workit/base/time_span.hpp>
#include <workit/workers/process_options.hpp>

namespace workit {

struct thread_options {
  /// For messages, and for offload_options::pool; at most 64 characters.
  std::string name = "threads";
  /// Tasks that run at once, at most 1024; 0: default_concurrency().
  std::size_t threads = 0;
  /// Parked threads beyond these, at most 1024: when a stop is refused, the next task starts on one at once.
  std::size_t spares = 1;
  /// How long a stop is tried before it is refused: the caller then goes on, and the task runs on until it can be
  /// stopped. 5 ms, since what has not come out of a lock or a library by then often never does.
  time_span stop_timeout = std::chrono::milliseconds(5);
  /// How many refused tasks may run on at once. Beyond that, and with 0 always, their callers wait until they have
  /// stopped. Four, because each costs a thread and the CPU that it burns.
  std::size_t refused_limit = 4;
  /// Bytes of each task's stack, committed as it is used. Eight MiB: std::regex needs 740 bytes a character.
  std::size_t stack_size = std::size_t{8} << 20;
  /// Makes the stacks of stopped tasks unreadable for a while, so that a pointer into one faults at once; costs an
  /// mmap(2) per stop. For tests and debugging.
  bool quarantine = false;
  /// Shared libraries, by the base names of their files ("libscore.so"), in whose code tasks may be stopped, as they
  /// may in the executable's: docs/thread-boundary.md says what such code must keep to.
  std::vector<std::string> preemptible_modules{};
  /// How many tasks may wait for a thread before when_full::refuse refuses; with wait they all do, by their priorities.
  std::size_t queue_limit = std::numeric_limits<std::size_t>::max();
  workit::when_full when_full = workit::when_full::wait;
};

}  // namespace workit
