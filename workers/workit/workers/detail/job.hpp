// One task for a worker process, from submission to its one settlement.
#pragma once

#include <atomic>
#include <list>
#include <span>
#include <string>
#include <variant>
#include <workit/base/deadline_point.hpp>
#include <workit/base/worker_errors.hpp>
#include <workit/preempt/lease.hpp>
#include <workit/workers/detail/remote_call.hpp>
#include <workit/workers/process_options.hpp>

namespace workit::workers {

/// The trampoline returned; `encoded` is for read_result<R>().
struct job_value {
  encoded_result encoded;
};
/// The task threw, or its result did not travel.
struct job_exception {
  std::string type;  ///< demangled, e.g. "std::invalid_argument"
  std::string what;
  std::string backtrace{};  ///< where it was thrown, a frame a line; empty when that is not known
  std::vector<exception_text> causes{};
};
/// It was stopped, or withdrawn before it began.
struct job_stopped {
  std::shared_ptr<receipt_slot> receipt;
};
/// It was asked to stop, and left by `cancelled` within its grace.
struct job_gave_up {};
/// Its worker died by itself.
struct job_crashed : crash_facts {
  /// Set when another process, or the kernel, sent it SIGKILL.
  std::optional<out_of_memory> killed_externally{};
};
/// Its worker was lost with its zygote.
struct job_lost {
  std::string zygote;  ///< what became of that, as the end of a sentence: "died of signal 9"
};
/// It reached a limit; the worker is replaced.
struct job_exceeded {
  resource what = resource::memory;
  std::uint64_t limit = 0;  ///< bytes of memory, output and stack; nanoseconds of cpu; a count of the others
};
/// It made a system call that its sandbox forbids; the kernel did not run it, and the worker is replaced.
struct job_violated {
  int number = 0;    ///< of the system call
  std::string name;  ///< e.g. "openat"
};
/// Why a job did not begin.
enum class refusal : std::uint8_t {
  no_worker,    ///< none could be had
  lost_worker,  ///< the one that it was given to died before it began
  queue_full,   ///< too many were waiting
  stopped,      ///< the pool has been stopped
};
/// Not one instruction of it ran.
struct job_not_started {
  std::string why;  ///< a sentence
  refusal kind = refusal::no_worker;
  std::size_t limit = 0;  ///< queue_full: how many may wait
};

/// monostate until settled.
using job_result = std::variant<std::monostate, job_value, job_exception, job_stopped, job_gave_up, job_crashed,
                                job_not_started, job_exceeded, job_violated, job_lost>;

/// What goes with a job beside its call.
struct job_terms {
  /// In machine time: the kernel ends the worker soon after it even if the host cannot; the host's own stop at that
  /// instant is the warden's, by the job's cell.
  deadline_point until{};
  /// How long the task may take to stop by itself once it is asked to.
  duration grace{};
  /// Before which of those that wait it is given a worker.
  task_priority priority = task_priority::normal;
  /// Index of the loop that is woken when the result, or a message, is there.
  std::uint32_t loop = 0;
};

class pool_core;
class worker_handle;

/// Derive from this, submit it once, and read `result` when settled() is called.
class job : public preempt::lease, public std::enable_shared_from_this<job> {
 public:
  /// `ruling`: its cancellation stops the task.
  job(cancel_cell::ptr ruling, std::string task_name, remote_call what, job_terms on = {})
      : lease(std::move(ruling), boundary::process), name(std::move(task_name)), call(std::move(what)), terms(on) {}

  const std::string name;
  remote_call call;
  const job_terms terms;
  /// The stricter of these and the pool's holds. Set before it is submitted.
  limit_values limits{};

  /// Both are set before settled() and not touched by the pool afterwards.
  worker_usage used;
  job_result result;

  /// The job has ended. Called exactly once, on any thread, without any lock; short, does not block.
  virtual void settled() noexcept = 0;

  /// What the task has told its host, as it was sent: anything. Called in the order of sending, before settled(), by
  /// the thread that collects, without any lock; short, does not block. `from`: the worker to answer.
  virtual void heard(std::span<const std::byte>, const std::shared_ptr<worker_handle>&) noexcept {}

  /// The pool is about to show it to its worker. False when a stop has withdrawn it first, or its worker has died.
  [[nodiscard]] bool publish() noexcept { return decide(state::launched, state::running); }

  [[nodiscard]] duration ask() noexcept final;
  [[nodiscard]] preempt::stop_claim claim_stop() noexcept final;
  void stopped(std::shared_ptr<receipt_slot> receipt) noexcept final;
  void ask_to_kill() noexcept final;

 private:
  friend class pool_core;
  friend class dispatcher;
  friend class job_queue;
  friend class worker_table;

  /// What was decided about it, in memory of the host alone. It goes from queued to launched (it has a worker) and
  /// running (the worker may see it), and leaves each of these once, by compare-and-swap: the winner settles.
  enum class state : std::uint8_t { fresh, queued, launched, running, withdrawn, completed, stopped, crashed, refused };
  bool decide(state from, state to) noexcept {
    return state_.compare_exchange_strong(from, to, std::memory_order_acq_rel);
  }

  std::atomic<state> state_{state::fresh};
  std::atomic<bool> has_committed_{false};  // seen by a stop that came too late: it is collected whatever the word says
  attachments blocks_;                      // that came for its result; guarded by the pool's mutex
  time_point submitted_{};
  time_point launched_{};
  std::shared_ptr<pool_core> pool_;        // from submission to settlement
  std::shared_ptr<worker_handle> worker_;  // set before launched; reset when the warden can no longer ask
  std::uint32_t generation_ = 0;           // of the worker's word, as worker_
  // Guarded by the pool's mutex:
  enum class place : std::uint8_t { none, inside, outside };
  place queued_ = place::none;                           // where it waits in the pool's queue
  std::list<std::shared_ptr<job>>::iterator queued_at_;  // valid while it does
};

}  // namespace workit::workers
