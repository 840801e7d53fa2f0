// A pool of worker processes, forked from one zygote, each running one task at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>
#include <workit/base/deadline.hpp>
#include <workit/preempt/warden.hpp>
#include <workit/workers/cgroup.hpp>
#include <workit/workers/job.hpp>
#include <workit/workers/process_limits.hpp>
#include <workit/workers/sandbox.hpp>

namespace workit {

struct process_options {
  /// For messages and process names; at most 64 characters.
  std::string name = "default";
  /// Tasks that run at once, at most 1024; 0: one per CPU this process may use.
  std::size_t workers = 0;
  /// Parked processes beyond these, so that the next task starts at once after a kill; at most 1024.
  std::size_t spares = 1;
  /// What each task may take; unlimited by default, see there.
  process_limits limits{};
  /// A cgroup for the whole pool; none by default, since few hosts own one.
  cgroup_options cgroup{};
  /// What each task may ask of the kernel; everything by default, see there.
  workit::sandbox sandbox = workit::sandbox::none;
  /// Runs once, in the zygote, before any worker is forked: what it loads, all workers share copy-on-write. It must
  /// leave no thread behind, since a process with threads is not forked. Descriptors it leaves open are closed in the
  /// workers: map files instead.
  void (*preload)() = nullptr;
};

namespace workers {

/// Counts at one moment, and since the start.
struct pool_status {
  std::size_t busy = 0;         ///< workers with a task
  std::size_t idle = 0;         ///< parked workers, spares among them
  std::size_t spares = 0;       ///< parked workers beyond the number of tasks that can run at once
  std::size_t starting = 0;     ///< asked of the zygote, not there yet
  std::size_t unreclaimed = 0;  ///< killed or dead, memory and process not yet back
  std::size_t queued = 0;
  std::uint64_t started = 0;  ///< workers forked
  std::uint64_t killed = 0;   ///< workers lost to a stop
  std::uint64_t crashed = 0;  ///< tasks whose worker died under them
  std::uint64_t zygotes = 0;  ///< zygotes started; more than 1: they died and were replaced
  pid_t zygote = 0;           ///< 0 when there is none
};

/// Guarantees: every submitted job is settled exactly once; a job that is stopped after its result was committed is
/// delivered; a worker whose task was stopped never runs another.
/// Threads: any, unless said. Lifetime: the warden and the eventfds outlive it.
class process_pool {
 public:
  /// Does nothing yet. `loop_eventfds`: one per loop index of the jobs, at most 200; a worker adds 1 to it when a
  /// result is there, and the loop then calls collect(). Errors: start_failed, for options, with a sentence.
  process_pool(process_options options, preempt::warden& warden, std::vector<int> loop_eventfds);
  /// stop().
  ~process_pool();
  process_pool(const process_pool&) = delete;
  process_pool& operator=(const process_pool&) = delete;

  /// Runs this image as the zygote, waits for its preload, forks workers and spares, and, once per process, tries out
  /// which proof of stop the machine gives. The process may have threads.
  /// Blocks: for the preload and some milliseconds. Threads: one; not the warden's.
  /// Errors: start_failed with a sentence: no workit::init(), a preload that threw, no processes to be had.
  void start();

  /// Queues the job; first in, first out. It may be settled before this returns. Blocks: no.
  void submit(std::shared_ptr<job> task);

  /// Settles the jobs of that loop whose results are there. A call too many is fine.
  /// Blocks: no; copies the results. Threads: any, usually the loop's, after reading its eventfd.
  void collect(std::size_t loop);

  [[nodiscard]] pool_status status() const;

  /// The limits that are in force for each task: as asked for, but a limit that cannot be kept here is absent.
  [[nodiscard]] process_limits limits() const;

  /// Waits until nothing is queued or running, or until `until`. Results still have to be collected by the loops.
  /// Blocks: until then. True when nothing is left.
  bool drain(deadline until);

  /// Settles what is queued as not started, collects what is committed, kills what runs, ends the zygote. Afterwards no
  /// process, descriptor, mapping or watch of the pool is left. Idempotent.
  /// Blocks: until all is gone, normally milliseconds. Threads: any but the warden's.
  void stop() noexcept;

 private:
  std::shared_ptr<pool_core> core_;
};

}  // namespace workers
}  // namespace workit
