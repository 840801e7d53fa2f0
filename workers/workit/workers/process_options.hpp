// What a pool of worker processes is made with: each default stands beside its reason.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <workit/base/clock.hpp>
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
  /// Tasks that run at once, at most 1024; 0: one per CPU this process may use, since more would only share them.
  std::size_t workers = 0;
  /// Parked processes beyond these, at most 1024: after a kill the next task starts at once. One, because one stop at a
  /// time is usual; a service whose deadlines come in crowds wants as many as a crowd has.
  std::size_t spares = 1;
  /// Parked workers that have had nothing to do for this long are let go, down to `min_workers` and the spares, and
  /// workers are forked only as tasks wait for them. Off, because a parked worker costs little but what it has written
  /// to, and a fork costs milliseconds at the moment when the load comes back.
  std::optional<duration> idle_shrink{};
  /// How many workers idle_shrink leaves, spares not counted. None, so that what it is asked for it does.
  std::size_t min_workers = 0;
  /// How many tasks may wait for a worker, where their priorities count. No limit, because each of them is a scope with
  /// its own deadline that would wait anyway, and its arguments exist already; a service that prefers to shed load sets
  /// both of these. With 0 nobody overtakes: whom no worker is free for waits before the queue.
  std::size_t queue_limit = std::numeric_limits<std::size_t>::max();
  /// Beyond it. Waiting is the default, because a refusal has to be handled and a wait is bounded by its scope.
  workit::when_full when_full = workit::when_full::wait;
  /// Tasks after which a worker is replaced, for code that degrades in ways nobody sees; 0: never, because most does
  /// not. Each worker gets a number of its own between three quarters of it and all, so that they do not go together.
  std::uint64_t max_tasks = 0;
  /// Bytes of anonymous memory beyond those it had when it was ready, after which a worker is replaced; 0: any. Looked
  /// at after each task, which takes some microseconds: off, so that nobody pays who does not leak. Kernels from 6.2 on
  /// count in steps of about 128 KiB a CPU. Spread as max_tasks.
  std::uint64_t max_growth = 0;
  /// Inherited by default: what a library says as it fails is worth more than the risk that nobody reads it.
  worker_output output = worker_output::inherit;
  /// How long the zygote may leave a question unanswered, which it is asked while there are tasks: then it is taken for
  /// hung and replaced by another; tasks that are running go on. At least 10 ms. Five seconds, because forking from
  /// tens of gigabytes of preload takes a second, and nobody but new workers waits for it.
  duration zygote_timeout = std::chrono::seconds(5);

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
  /// Runs in each worker before its first task: random seeds, connections, thread pools. Descriptors and threads it
  /// leaves are the worker's; child processes would cost it its worker after each task. A worker is not ready before it
  /// has returned, and no limit but the callers' deadlines bounds it. What it throws is a start_failed of that worker,
  /// with its words; the pool tries again at growing intervals, a second at most, and while it has no worker at all it
  /// answers waiting tasks with those words.
  startup_call worker_init{};
  /// Hears how the pool ended, once, on the thread that stopped it; what it throws is swallowed. None: processes that
  /// would not die are named on standard error.
  std::function<void(const workers::shutdown_report&)> on_shutdown{};
};

}  // namespace workit
