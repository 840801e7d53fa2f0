// A pool of worker processes, forked from one zygote, each running one task at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>
#include <workit/base/deadline_point.hpp>
#include <workit/workers/pool_status.hpp>
#include <workit/workers/process_options.hpp>

namespace workit::preempt {
class warden;
}

namespace workit::workers {

class job;
class pool_core;

/// The end of a pool.
struct shutdown_options {
  /// How long running tasks may go on; what waits is refused at once in any case. None, as for a scope that stops.
  time_span grace{};
  /// How long killed processes may take to be gone before they are given up and listed. Five seconds: the kernel frees
  /// a gigabyte in 50 ms, so that what is still there after so long hangs in a system call or in a tracer's hands.
  time_span reaping = std::chrono::seconds(5);
};

/// Guarantees: every submitted job is settled exactly once; a job that is stopped after its result was committed is
/// delivered; a worker whose task was stopped never runs another.
/// Threads: any, unless said. Lifetime: the warden and the descriptors outlive it, or end after stop(): what is left of
/// it then, as a handle that find_pool() has given, answers and holds no descriptor.
class process_pool {
 public:
  /// Has the loop of that index call collect() soon. Threads: any. It takes no lock that is ever held while calling the
  /// pool, and does not block.
  using wake_loop = std::function<void(std::size_t loop)>;

  /// Does nothing yet. `loop_events`: for each loop index of the jobs, at most 199, what a worker writes 8 bytes to
  /// when a result is there (a pipe, or an eventfd where the tasks are trusted); the loop then calls collect(). The
  /// pool itself uses `wake`: a worker can have made the descriptor block. Errors: start_failed, for options, with a
  /// sentence.
  process_pool(process_options options, preempt::warden& warden, std::vector<int> loop_events, wake_loop wake);
  /// stop().
  ~process_pool();
  process_pool(const process_pool&) = delete;
  process_pool& operator=(const process_pool&) = delete;

  /// Runs this image as the zygote, waits for its preload, forks workers and spares, and, once per process, tries out
  /// which proof of stop the machine gives. The process may have threads.
  /// Blocks: for the preload, worker_init and some milliseconds, within their limits. Threads: one; not the warden's.
  /// Errors: start_failed with a sentence: no workit::init(), a preload that threw, no processes to be had.
  void start();

  /// Queues the job by its priority. It may be settled before this returns. Blocks: no.
  void submit(std::shared_ptr<job> task);

  /// Settles the jobs of that loop whose results are there. A call too many is fine.
  /// Blocks: no; copies the results. Threads: any, usually the loop's, after it was woken.
  void collect(std::size_t loop);

  [[nodiscard]] const std::string& name() const noexcept;
  [[nodiscard]] pool_status status() const;

  /// The limits that are in force for each task: as asked for, but a limit that cannot be kept here is absent.
  [[nodiscard]] process_limits limits() const;

  /// Waits until nothing is queued or running, or until `until`. Results still have to be collected by the loops.
  /// Blocks: until then. True when nothing is left.
  bool drain(deadline_point until);

  /// Starts a second zygote, which runs preload anew, and from it as many workers as there are to be; when all are
  /// ready, every task that starts from then on is theirs. Workers of the old zygote end with the task they are
  /// running. No task is lost, whatever happens; for a while there are twice as many processes. A pool that waits for
  /// another zygote waits no longer. One reload runs at a time; another waits for it and then does its own. Blocks:
  /// the thread, until the new workers serve. Threads: any but the warden's and, in a runtime, the I/O threads. Errors:
  /// start_failed with a sentence when preload or worker_init fails or there are no processes to be had, or when
  ///   the pool is not running; timed_out at `until`. Then the old zygote serves on.
  void reload(deadline_point until = {});

  /// Settles what is queued as not started, gives what runs the grace, collects what is committed, kills the rest at
  /// once, ends the zygotes, and waits for the processes, within bounds. Afterwards no process, descriptor, mapping or
  /// watch of the pool is left, except processes that would not die, which are in the report. Idempotent: each call has
  /// the same report. Blocks: until all is gone or the bounds have passed; without grace normally milliseconds.
  /// Threads: any but the warden's.
  shutdown_report stop(shutdown_options how = {}) noexcept;

 private:
  std::shared_ptr<pool_core> core_;
};

}  // namespace workit::workers
