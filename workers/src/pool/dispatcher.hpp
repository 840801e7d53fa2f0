// Which waiting job is given to which worker, and which jobs are answered instead.
#pragma once

#include <memory>
#include <optional>
#include <vector>
#include <workit/workers/log2_histogram.hpp>
#include <workit/workers/process_options.hpp>

#include "deferred_actions.hpp"
#include "job_queue.hpp"
#include "worker_table.hpp"
#include "zygote_roles.hpp"

namespace workit::workers {

/// External synchronisation: the pool's mutex.
///
/// Invariants
/// 1. A job leaves `queued` once, by compare-and-swap on its own state; the winner settles it. A job that a stop has
///    won is skipped here.
/// 2. A job is given to an idle worker of the serving group, while fewer than `workers` have a task: spares are parked
///    processes, not parallelism.
/// 3. unsettled() counts the jobs from arrived() to settled().
class dispatcher {
 public:
  dispatcher(std::size_t workers, std::size_t queue_limit, when_full when) noexcept
      : workers_(workers), when_full_(when), queue_(queue_limit) {}

  /// A job was submitted; it may be stopped from now on.
  void arrived(job& task) noexcept;
  void settled() noexcept { --unsettled_; }
  [[nodiscard]] std::size_t unsettled() const noexcept { return unsettled_; }
  [[nodiscard]] const job_queue& queue() const noexcept { return queue_; }
  [[nodiscard]] std::size_t waiting() const noexcept { return queue_.size() + queue_.outside(); }

  void enqueue(std::shared_ptr<job> task) { queue_.push(std::move(task)); }
  /// Takes the job out again when it has found no place and the pool refuses such jobs. True: answer it.
  [[nodiscard]] bool refuse_overflow(job& task);
  /// A stop has withdrawn it.
  void withdraw(job& task) { queue_.remove(task); }
  /// Binds waiting jobs to idle workers while there are both, and adds their launches. How long each has waited goes
  /// to `queue_wait`.
  void launch(worker_table& workers, const zygote_roles& zygotes, log2_histogram& queue_wait, deferred_actions& todo);
  /// Every waiting job gets that answer.
  void answer_all(const job_not_started& answer, deferred_actions& todo);

  /// A worker was lost at `now`.
  void worker_lost(time_point now) noexcept { last_loss_ = now; }
  /// A job was submitted at `now`.
  void submitted(time_point now) noexcept;
  /// Whether the next worker is to be woken before there is a task for it: the last one came shortly after a loss, and
  /// none is waiting.
  [[nodiscard]] bool expects_task() const noexcept { return task_follows_ && queue_.empty(); }

 private:
  const std::size_t workers_;
  const when_full when_full_;
  job_queue queue_;
  std::size_t unsettled_ = 0;
  time_point last_loss_{};  // until the next submission
  bool task_follows_ = false;
};

}  // namespace workit::workers
