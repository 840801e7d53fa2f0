// What a pool of worker processes is made with: each default stands beside its reason.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <workit/base/time_span.hpp>
#include <workit/workers/cgroup.hpp>
#include <workit/workers/process_limits.hpp>
#include <workit/workers/sandbox.hpp>
#include <workit/workers/startup_call.hpp>
#include <workit/workers/worker_output.hpp>

namespace workit {

namespace workers {
struct shutdown_report;
}

/// What becomes of a task that finds as many waiting before it as the pool allows.
enum class when_full : std::uint8_t {
  wait,    ///< its scope waits before the queue until it has a place, first come, first served whatever the priority:
           ///< its deadline counts, its cancellation takes it out
  refuse,  ///< its caller gets queue_full at once
};

/// Which of the waiting tasks a free worker takes: the first in of the most urgent. Nothing ages: as long as more
/// urgent ones keep every worker busy, the others wait, and their deadlines are what bounds that.
enum class task_priority : std::uint8_t { high, normal, low };

struct process_options {
  /// For messages, and for offload_options::pool; at most 64 characters.
  std::string name = "default";
  /// Tasks that run at once, at most 1024; 0: default_concurrency(), since more would only share
  /// the processors.
  std::size_t workers = 0;
  /// Parked processes beyond these, at most 1024: after a kill the next task starts at once. One, because one stop at a
  /// time is usual; a service whose deadlines come in crowds wants as many as a crowd has.
  std::size_t spares = 1;
  /// Parked workers that have had nothing to do for this long are let go, down to `min_workers` and the spares, and
  /// workers are forked only as tasks wait for them. Off, because a parked worker costs little but what it has written
  /// to, and a fork costs milliseconds at the moment when the load comes back.
  std::optional<time_span> idle_shrink{};
  /// Workers that idle_shrink keeps, excluding spares.
  std::size_t min_workers = 0;
  /// How many tasks may wait for a worker in the queue, where their priorities count. Unlimited by default: a waiting
  /// task costs little, because its scope and its arguments exist already. A service that sheds load sets this and
  /// when_full. With 0, waiting calls are served in arrival order, whatever their priority.
  std::size_t queue_limit = std::numeric_limits<std::size_t>::max();
  /// Beyond it. Waiting is the default, because a refusal has to be handled and a wait is bounded by its scope.
  workit::when_full when_full = workit::when_full::wait;
  /// Tasks after which a worker is replaced, for code that degrades unseen; 0, the default: never. Each worker gets a
  /// number of its own between three quarters of this and all of it, so that they are not replaced together.
  std::uint64_t max_tasks = 0;
  /// Bytes of anonymous memory beyond those that a worker had when it was ready, after which it is replaced; 0, the
  /// default: no limit. The pool looks after each task, which takes some microseconds. Kernels from 6.2 on count in
  /// steps of about 128 KiB a CPU. Spread as max_tasks.
  std::uint64_t max_growth = 0;
  /// Descriptors beyond those that a worker had when it was ready that may be open after a task; with more it is
  /// replaced, and also when half of what RLIMIT_NOFILE allows is used. 0: no limit. 64, because a library that keeps
  /// a few files open costs no worker then, and one that leaks never takes the last descriptor from a later task.
  unsigned max_descriptors = 64;
  /// Bytes of shared memory that all workers of the pool together keep, from arguments and results beyond 60 KiB, for
  /// their next calls: memory that is there is written several times faster than memory that has to be found. A worker
  /// that has had no task for a second gives its share back. 512 MiB, for a few results of 100 MiB; 0: none is kept. The
  /// host keeps at most 512 MiB of its own, for all its pools, in the same way.
  std::size_t payload_memory = std::size_t{512} << 20;
  /// Where the tasks' standard output and error go. Inherited by default: a failing library's words reach the host's.
  worker_output output = worker_output::inherit;
  /// How long the zygote may leave a question unanswered; the pool asks while there are tasks. After that the pool
  /// takes it for hung and replaces it; running tasks go on. At least 10 ms. Five seconds by default, because forking
  /// from tens of gigabytes of preload takes a second, for which new workers alone wait.
  time_span zygote_timeout = std::chrono::seconds(5);

  /// What each task may take; unlimited by default, see there.
  process_limits limits{};
  /// A cgroup for the whole pool; none by default, since few hosts own one.
  cgroup_options cgroup{};
  /// What each task may ask of the kernel; everything by default, see there. worker_init runs before it holds.
  workit::sandbox sandbox = workit::sandbox::none;

  /// Runs once, in the zygote, before any worker is forked: what it loads, all workers share copy-on-write. Nothing
  /// that main has set is there: with_args() brings what it has to know. It must leave no thread behind, since a
  /// process with threads is not forked. Descriptors it leaves open are closed in the workers: map files instead. If it
  /// fails as the pool starts, that is start_failed; in a zygote that replaces one that has died, it is tried again at
  /// growing intervals, a second at most. None by default.
  startup_call preload{};
  /// How long a zygote may take until it is ready to fork: the constructors of static objects, and preload. Then it is
  /// killed, and that is a failure of preload, with a sentence that names the function. duration::max(): no limit. Five
  /// minutes by default, because a hundred gigabytes take two from a fast disk.
  time_span preload_timeout = std::chrono::minutes(5);
  /// Runs in each worker before its first task: random seeds, connections, thread pools. Descriptors and threads it
  /// leaves are the worker's; child processes would cost it its worker after each task. A worker is not ready before it
  /// has returned. What it throws is a start_failed of that worker, with its words; the pool tries again at growing
  /// intervals, a second at most, and while it has no worker at all it answers waiting tasks with those words.
  startup_call worker_init{};
  /// How long worker_init may take in one worker, which is then killed: as if it had thrown a sentence that names it.
  /// duration::max(): no limit. A minute by default: what takes longer is meant to be shared, by preload.
  time_span worker_init_timeout = std::chrono::minutes(1);
  /// Hears how the pool ended, once, on the thread that stopped it; what it throws is swallowed. None: processes that
  /// would not die are named on standard error.
  std::function<void(const workers::shutdown_report&)> on_shutdown{};
};

}  // namespace workit
