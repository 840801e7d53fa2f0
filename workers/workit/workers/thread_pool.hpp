// A pool of threads whose tasks can be stopped in place.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>
#include <workit/base/thread_stop.hpp>
#include <workit/workers/thread_options.hpp>

namespace workit::preempt {
class warden;
}

namespace workit::workers {

class thread_job;
class thread_pool_core;

/// A task whose stop was refused and that runs on.
struct refused_task {
  std::string name;
  pid_t thread = 0;    ///< its kernel's id
  stop_refusal why{};  ///< at the moment of the refusal
  duration runs_on{};  ///< since then
};

/// Counts at one moment, and since the start.
struct thread_pool_status {
  std::size_t busy = 0;    ///< threads with a task, refused ones apart
  std::size_t parked = 0;  ///< threads without one, spares among them
  std::size_t queued = 0;
  std::vector<refused_task> refused;  ///< those that run on now
  std::uint64_t completed = 0;        ///< with a value or an exception, or stopped by themselves
  std::uint64_t abandoned = 0;        ///< stopped in place
  std::uint64_t refusals = 0;
  std::uint64_t retired = 0;  ///< threads replaced: after a refusal, or for what a stopped task left in thread_locals
  std::uint64_t start_failures =
      0;                ///< threads that could not be started: the pool tries again, a second later at most
  std::string trouble;  ///< why the last one could not, while there is none in its place
  /// Kicks that did not fit among the signals that are queued for the user (RLIMIT_SIGPENDING), and were sent by the
  /// thread's own timer instead.
  std::uint64_t unqueued_kicks = 0;
};

/// A sentence for each task that runs on.
[[nodiscard]] std::vector<std::string> sentences_of(const std::string& pool, const thread_pool_status& status);

/// Guarantees: every submitted job is settled exactly once; one that is stopped after its result was committed is
/// delivered; no stop and no signal of one reaches the next task.
/// Threads: any, unless said. Lifetime: the warden outlives it.
class thread_pool {
 public:
  /// Does nothing yet. Errors: start_failed, for options, with a sentence.
  thread_pool(thread_options options, preempt::warden& warden);
  /// stop().
  ~thread_pool();
  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;

  /// Starts the threads, and waits until each can run tasks. Errors: start_failed with preempt::why_unsupported(), or
  /// when one of them cannot be had. A thread that cannot be replaced later is tried again after 10 ms, doubled up to a
  /// second; while there has been none at all for a second, what waits is answered as not started.
  void start();
  /// Queues the job. It may be settled before this returns. Blocks: no.
  void submit(std::shared_ptr<thread_job> task);
  [[nodiscard]] const std::string& name() const noexcept;
  [[nodiscard]] thread_pool_status status() const;
  /// Settles what is queued as not started, waits for what runs, and ends the threads; a refused task has a second to
  /// end, and then keeps its thread and some memory until the process ends, which is said on standard error, for each
  /// with what to do. Idempotent. Blocks: for that. Threads: any
  /// but the warden's.
  void stop() noexcept;

 private:
  std::shared_ptr<thread_pool_core> core_;
};

}  // namespace workit::workers
