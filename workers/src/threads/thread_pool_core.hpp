// What a pool of stoppable threads is made of: its queue, its threads, and those that were refused.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <list>
#include <thread>
#include <workit/base/thread_mutex.hpp>
#include <workit/preempt/warden.hpp>
#include <workit/workers/detail/thread_job.hpp>
#include <workit/workers/thread_pool.hpp>

#include "thread_shortage.hpp"

namespace workit::workers {

/// Invariants
/// 1. At most `threads` tasks run, not counting refused ones; the other threads wait, and any of them may take the next
///    task. A spare is one more thread.
/// 2. A thread that cannot go on has started its replacement before it ends; it is then in `ended_` until it is joined.
/// 3. A caller that wakes a thread while refused tasks run on kicks those afterwards: make_way().
/// 4. A job that a thread has taken is settled by the one that moves it out of `running`: the thread, or give_up().
/// 5. While there are too few threads, a replacement is under way, or `shortage_` waits for its timer.
/// Lock order: the mutex is a leaf. No job, warden or ladder is called under it.
class thread_pool_core : public std::enable_shared_from_this<thread_pool_core> {
 public:
  thread_pool_core(thread_options options, preempt::warden& warden);

  void start();
  void submit(std::shared_ptr<thread_job> task);
  void stop() noexcept;
  [[nodiscard]] thread_pool_status status() const;
  [[nodiscard]] const std::string& name() const noexcept { return options_.name; }

  // For jobs.
  void begin_stop(const std::shared_ptr<thread_job>& task);
  void withdrawn(thread_job& task, std::shared_ptr<receipt_slot> receipt);
  bool refuse(thread_job& task);

 private:
  using job_state = thread_job::state;
  /// How a task has ended on its thread.
  struct landed;
  struct refusal_record {
    const thread_job* job = nullptr;
    preempt::kick_handle thread;
    std::uint64_t number = 0;
    refused_task what;
    time_point since;
  };
  using running_on = std::vector<std::pair<preempt::kick_handle, std::uint64_t>>;

  /// False when there are enough. The thread makes itself stoppable, and tells of it by made() or could_not().
  bool add_thread();
  void replace_thread() noexcept;
  /// The calling thread can run tasks.
  void made();
  /// A thread could not be had: it is tried again after a pause. While there has been none for long, answers what
  /// waits.
  void could_not(const std::string& why) noexcept;
  /// The pause is over.
  void try_again();
  /// Answers what waits, with that reason.
  void answer_waiting(const job_not_started& why) noexcept;
  /// Waits for all threads of the start. Errors: start_failed when one of them cannot be had.
  void wait_for_threads();
  /// Sleeps for 1 ms before the calling thread is replaced, if another one is free meanwhile.
  void leave_the_processor();
  void serve(std::list<std::thread>::iterator me);
  /// The next task; null when the pool stops. `more_soon`: spins for a moment before it sleeps.
  [[nodiscard]] std::shared_ptr<thread_job> take(bool more_soon);
  /// Spins until there is a submission after the `seen`th, 50 us at most.
  void look_for_work(std::uint64_t seen) const noexcept;
  /// Whether a thread may take another task.
  enum class fitness { fit, retired, spoilt };
  fitness run(preempt::stoppable_thread& here, const std::shared_ptr<thread_job>& task);
  void conclude(thread_job& task, landed& end);
  /// Another task may take its place.
  void release(const thread_job& task, fitness then);
  /// How many tasks wait.
  [[nodiscard]] std::size_t queued() const noexcept WORKIT_REQUIRES(mutex_);
  void settle(thread_job& task, thread_result result);
  [[nodiscard]] running_on refused_now() const WORKIT_REQUIRES(mutex_);
  static void make_way(const running_on& refused) noexcept;
  static void un_nice(const thread_job& task) noexcept;
  [[nodiscard]] static bool keeps_kicks_away(thread_job& task);
  [[nodiscard]] static std::optional<stop_refusal> reason_of(thread_job& task, bool late);
  void join_ended();
  void tell_what_runs_on() const noexcept;
  [[nodiscard]] stop_receipt receipt_of(const thread_job& task, stop_method method, stop_proof proof,
                                        time_point at) const;

  const thread_options options_;
  preempt::warden& warden_;
  std::unique_ptr<preempt::stop_ladder> ladder_;
  mutable thread_mutex mutex_;
  std::condition_variable work_;
  std::condition_variable one_ended_;
  std::condition_variable one_made_;
  std::deque<std::shared_ptr<thread_job>> queue_[3] WORKIT_GUARDED_BY(mutex_);  // by task_priority
  std::atomic<std::uint64_t> submissions_{0};                                   // counted under the mutex, read without
  std::list<std::thread> threads_ WORKIT_GUARDED_BY(mutex_);
  std::list<std::thread> ended_ WORKIT_GUARDED_BY(mutex_);
  /// Itself, when the pool has stopped and left threads that nothing can end.
  std::shared_ptr<thread_pool_core> immortal_ WORKIT_GUARDED_BY(mutex_);
  std::size_t making_ WORKIT_GUARDED_BY(mutex_) = 0;  // of threads_: not stoppable yet
  thread_shortage shortage_ WORKIT_GUARDED_BY(mutex_);
  std::size_t leaving_ WORKIT_GUARDED_BY(mutex_) = 0;  // of threads_: will take no more tasks
  std::vector<refusal_record> refused_ WORKIT_GUARDED_BY(mutex_);
  std::size_t busy_ WORKIT_GUARDED_BY(mutex_) = 0;
  std::size_t parked_ WORKIT_GUARDED_BY(mutex_) = 0;
  bool stopping_ WORKIT_GUARDED_BY(mutex_) = true;  // until it is started
  thread_pool_status counts_ WORKIT_GUARDED_BY(mutex_);
};

}  // namespace workit::workers
