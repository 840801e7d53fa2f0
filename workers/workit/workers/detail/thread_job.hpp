// One task for a stoppable thread, from submission to its one settlement.
#pragma once

#include <atomic>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <workit/preempt/lease.hpp>
#include <workit/preempt/stop_ladder.hpp>
#include <workit/preempt/stoppable_thread.hpp>
#include <workit/workers/detail/job.hpp>

namespace workit::workers {

class thread_pool_core;

/// monostate until settled; an exception is the task's own.
using thread_result = std::variant<std::monostate, encoded_result, std::exception_ptr, job_stopped, job_not_started>;

/// Derive from this, submit it once, and read `result` when settled() is called.
class thread_job : public preempt::lease,
                   public preempt::thread_stop_attempt,
                   public std::enable_shared_from_this<thread_job> {
 public:
  /// `ruling`: its cancellation stops the task. Of `on`, `loop` means nothing here.
  thread_job(cancel_cell::ptr ruling, std::string task_name, remote_call what, job_terms on = {})
      : lease(std::move(ruling), boundary::thread), name(std::move(task_name)), call(std::move(what)), terms(on) {}

  const std::string name;
  const remote_call call;
  const job_terms terms;

  /// Both are set before settled() and not touched by the pool afterwards.
  worker_usage used;
  thread_result result;

  /// The job has ended, or runs on refused. Called exactly once, on any thread, without any lock; short, does not
  /// block.
  virtual void settled() noexcept = 0;

  /// A stop of it has begun, by a kick that found its thread on that processor; -1 when that is unknown. Called on the
  /// thread that stops it, without any lock; short, does not block.
  virtual void kicked(int on_processor) noexcept { static_cast<void>(on_processor); }

  [[nodiscard]] duration ask() noexcept final;
  [[nodiscard]] preempt::stop_claim claim_stop() noexcept final;
  void stopped(std::shared_ptr<receipt_slot> receipt) noexcept final;
  void stop_in_place() noexcept final;
  bool kick() noexcept final;
  bool give_up() noexcept final;

 private:
  friend class thread_pool_core;

  /// Leaves queued and running once, by compare-and-swap; the side that wins settles the job. A refused one runs on.
  enum class state : std::uint8_t { fresh, queued, running, ended, refused };
  bool decide(state from, state to) noexcept {
    return state_.compare_exchange_strong(from, to, std::memory_order_acq_rel);
  }

  std::atomic<state> state_{state::fresh};
  std::atomic<std::uint32_t> asked_{0};         // 1: it is to stop
  std::shared_ptr<thread_pool_core> pool_;      // from submission on
  std::optional<preempt::kick_handle> thread_;  // set before it runs
  std::uint64_t number_ = 0;                    // as thread_
  time_point submitted_{};
  struct blocked_at {
    unsigned signals = 0;
    duration used{};
  };
  std::optional<blocked_at> blocked_since_;  // of the warden's thread: since when the task's thread has blocked kicks
  int nice_before_ = 0;                      // of its thread, before it was refused
  std::atomic<bool> niced_{false};
  std::atomic<time_point> launched_{};  // by a thread, which may yet find it withdrawn
};

}  // namespace workit::workers
