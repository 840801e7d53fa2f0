// pool_core: the mutex of a process pool, the parts that it guards, and what is done outside it.
#pragma once

#include <condition_variable>
#include <memory>
#include <optional>
#include <string>
#include <vector>
#include <workit/base/detail/wake_pipe.hpp>
#include <workit/base/thread_mutex.hpp>
#include <workit/preempt/warden.hpp>
#include <workit/workers/detail/job.hpp>
#include <workit/workers/detail/large_block.hpp>
#include <workit/workers/process_pool.hpp>

#include "capacity_losses.hpp"
#include "deferred_actions.hpp"
#include "dispatcher.hpp"
#include "output_set.hpp"
#include "pool_size.hpp"
#include "pool_timer.hpp"
#include "shutdown_tally.hpp"
#include "start_failures.hpp"
#include "task_channel.hpp"
#include "worker_table.hpp"
#include "zygote_outage.hpp"
#include "zygote_roles.hpp"

namespace workit::workers {

/// How long an idle worker keeps the memory of large payloads.
inline constexpr duration payloads_kept_for = std::chrono::seconds(1);

/// The parts keep the state and its rules and know no lock: worker_table, zygote_roles, dispatcher, pool_size and the
/// small counters. pool_core takes the mutex, asks them, collects what is to be done in deferred_actions, and does it
/// without the mutex: system calls that block, calls of the warden, kills, settlements. docs/design/0015 has the
/// picture.
///
/// Invariants (those of the parts stand with them)
/// 1. A job leaves `queued` and `running` once, by compare-and-swap on its own state; the winner settles it. Between
///    host and worker the worker's shared word decides first (claim_stop, publish, commit).
/// 2. An open pool has a serving zygote, or one is about to be tried: replacing_ is true, or zygote_timer_ is set.
/// 3. Callbacks of the zygotes' sockets, of pidfds, of the ready event and of timers run on the warden's thread, one at
///    a time.
///
/// Lock order: mutex_ is a leaf but for the mutexes of remote_channels; a worker's `listening` is taken before those,
/// too. Nothing is called under them that could call back: not the warden, not settled(), not a receipt. System calls
/// under mutex_ do not block: a packet to the zygote, a descriptor made or closed, a timer set.
class pool_core : public std::enable_shared_from_this<pool_core> {
 public:
  pool_core(process_options options, preempt::warden& warden, std::vector<int> loops, process_pool::wake_loop wake);

  [[nodiscard]] const std::string& name() const noexcept { return options_.name; }

  // pool_startup.cpp
  void start() WORKIT_EXCLUDES(mutex_);
  bool drain(deadline_point until) WORKIT_EXCLUDES(mutex_);
  [[nodiscard]] pool_status status() const WORKIT_EXCLUDES(mutex_);
  [[nodiscard]] process_limits limits() const;

  // pool_reload.cpp
  void reload(deadline_point until) WORKIT_EXCLUDES(mutex_);

  // pool_shutdown.cpp
  shutdown_report stop(shutdown_options how) noexcept WORKIT_EXCLUDES(mutex_);

  // pool_jobs.cpp
  void submit(std::shared_ptr<job> task) WORKIT_EXCLUDES(mutex_);

  // pool_collect.cpp
  void collect(std::size_t loop) WORKIT_EXCLUDES(mutex_);
  /// Has that loop call collect(). Threads: any; also under the locks of the warden.
  void collect_soon(std::size_t loop);

  // pool_completion.cpp
  void on_stopped(job& task, std::shared_ptr<receipt_slot> receipt) noexcept WORKIT_EXCLUDES(mutex_);

  // pool_workers.cpp
  /// For a worker that this process may not kill, since it has dropped its privileges.
  void ask_zygote_to_kill(const worker_handle& worker) noexcept WORKIT_EXCLUDES(mutex_);

 private:
  friend class deferred_actions;
  using handle = std::shared_ptr<worker_handle>;
  using group = std::shared_ptr<zygote_group>;
  enum class life { fresh, starting, open, closing, closed };

  // What deferred_actions::run() calls.
  void run(deferred_actions&& todo) WORKIT_EXCLUDES(mutex_) { todo.run(*this); }
  /// Kills the worker, through its zygote where this process may not. True when the kill was sent from here: only then
  /// a barrier proves anything.
  bool kill(worker_handle& worker) noexcept WORKIT_EXCLUDES(mutex_);
  void start(const launch& l, deferred_actions& todo) WORKIT_EXCLUDES(mutex_);
  void settle(const std::shared_ptr<job>& task, job_result result) WORKIT_EXCLUDES(mutex_);
  static void prewake(worker_handle& worker) noexcept { worker.prewake(); }
  void post_fork();
  static void complete(receipt_slot& receipt) { receipt.set_reclaimed(std::chrono::steady_clock::now()); }

  // pool_jobs.cpp
  void launch_waiting(deferred_actions& todo) WORKIT_REQUIRES(mutex_);
  /// No task could be given to a worker, now or soon.
  [[nodiscard]] bool is_stranded() const WORKIT_REQUIRES(mutex_) { return !trouble_.empty() && !zygotes_.has_worker(); }
  /// Where tasks have followed upon stops, the next worker is prewoken after one.
  void prewake_next(time_point lost, deferred_actions& todo) WORKIT_REQUIRES(mutex_);
  void withdraw_launch(const launch& l, deferred_actions& todo) WORKIT_EXCLUDES(mutex_);
  bool release(const handle& worker, const job& task, worker_state next, deferred_actions& todo)
      WORKIT_REQUIRES(mutex_);
  [[nodiscard]] job_not_started stopped_answer() const;

  // pool_collect.cpp
  enum class packets_left { for_later, never };
  void hear(const launch& l, packets_left then) WORKIT_EXCLUDES(mutex_);
  [[nodiscard]] static bool take_part_of(const launch& l, packet& came);
  void take_blocks_of(const launch& l, packet came) WORKIT_EXCLUDES(mutex_);
  [[nodiscard]] attachments blocks_for(job& task) WORKIT_EXCLUDES(mutex_);
  void take_result(const launch& l) WORKIT_EXCLUDES(mutex_);
  void deliver(const launch& l, job_result result) WORKIT_EXCLUDES(mutex_);
  void end_crashing(const std::vector<launch>& crashing) WORKIT_EXCLUDES(mutex_);

  // pool_completion.cpp
  void count_stop(const job& task, stop_method how, time_point now) WORKIT_REQUIRES(mutex_);
  void task_died(const handle& worker, const std::shared_ptr<job>& task, const worker_end& end) WORKIT_EXCLUDES(mutex_);

  // pool_workers.cpp
  void lose(const handle& worker) WORKIT_REQUIRES(mutex_);
  void fork_workers() WORKIT_EXCLUDES(mutex_);
  [[nodiscard]] group short_of_workers() const WORKIT_REQUIRES(mutex_);
  /// Has missing workers forked: at once when a task waits for one, else a little later (or when the dead one has been
  /// reaped), because a fork beside the next task of the caller that stopped the last one doubles that task's time.
  void replenish(deferred_actions& todo) WORKIT_REQUIRES(mutex_);
  void on_replenish_timer() WORKIT_EXCLUDES(mutex_);
  handle reserve_worker() WORKIT_EXCLUDES(mutex_);
  void on_forked(zygote_group& from, const message& m, unique_fd pidfd) WORKIT_EXCLUDES(mutex_);
  void fork_failed(zygote_group& from, const handle& worker, const message& m, deferred_actions& todo)
      WORKIT_REQUIRES(mutex_);
  void on_ready(const handle& worker, deferred_actions& todo) WORKIT_REQUIRES(mutex_);
  void on_ready_event() WORKIT_EXCLUDES(mutex_);
  void on_exited(std::uint32_t number, const worker_end& end) WORKIT_EXCLUDES(mutex_);
  void on_reclaimed(std::uint32_t number) WORKIT_EXCLUDES(mutex_);
  void on_violated(std::uint32_t number, int call) WORKIT_EXCLUDES(mutex_);
  /// What a worker that never became ready said of it, as a sentence; empty when it said nothing.
  [[nodiscard]] std::string why_unready(const worker_handle& worker) const;
  /// True when the next one should wait a little.
  bool died_at_start(const worker_handle& worker, int status) WORKIT_REQUIRES(mutex_);
  void back_off(deferred_actions& todo) WORKIT_REQUIRES(mutex_);
  void on_back_off_over() WORKIT_EXCLUDES(mutex_);

  // pool_shrink.cpp
  /// Tasks that run or wait. Where each is answered at once, since there is no worker, none waits: one is wanted all
  /// the same, or a pool that shrinks to nothing would never look whether there are workers to be had again.
  [[nodiscard]] std::size_t demand() const WORKIT_REQUIRES(mutex_) {
    return workers_.busy() + dispatch_.waiting() + (is_stranded() ? 1 : 0);
  }
  [[nodiscard]] std::size_t wanted() const WORKIT_REQUIRES(mutex_) { return size_.wanted(demand()); }
  [[nodiscard]] std::size_t wanted_from(const zygote_group& g) const WORKIT_REQUIRES(mutex_) {
    return size_.wanted_from(zygotes_.is_serving(g) && life_ != life::starting, demand());
  }
  void arm_shrink_timer() WORKIT_REQUIRES(mutex_);
  void on_shrink_timer() WORKIT_EXCLUDES(mutex_);
  void forget_old_losses() WORKIT_REQUIRES(mutex_);
  void on_payload_timer() WORKIT_EXCLUDES(mutex_);

  // pool_zygote.cpp
  group start_zygote(zygote_roles::role r) WORKIT_EXCLUDES(mutex_);
  void on_zygote_readable(const group& from) WORKIT_EXCLUDES(mutex_);
  void on_message(const group& from, const message& m, std::vector<unique_fd>& descriptors) WORKIT_EXCLUDES(mutex_);
  void on_preload_failed(zygote_group& from, const std::string& sentence) WORKIT_EXCLUDES(mutex_);
  void zygote_died(const group& from) WORKIT_EXCLUDES(mutex_);
  /// How far a zygote had come.
  enum class stage { fresh, begun, ready };
  [[nodiscard]] std::string how_it_died(const std::string& words, stage at) const;
  /// Clears away a dead zygote and its workers. What became of it, if tasks were given to its workers.
  std::optional<std::string> bury(const group& from) WORKIT_EXCLUDES(mutex_);
  /// There is no serving zygote any more, or could not be another: has the next one tried, soon or a little later.
  void zygote_missing(const std::string& how) WORKIT_EXCLUDES(mutex_);
  void replace_zygote() WORKIT_EXCLUDES(mutex_);
  void on_zygote_timer() WORKIT_EXCLUDES(mutex_);

  // pool_health.cpp
  void adopt_orphans(const std::vector<worker_table::orphan>& orphans, const std::string& zygote)
      WORKIT_EXCLUDES(mutex_);
  void orphan_died(std::uint32_t number, const zygote_group& from, const std::string& zygote) WORKIT_EXCLUDES(mutex_);
  [[nodiscard]] bool is_orphan(std::uint32_t number) const WORKIT_EXCLUDES(mutex_);
  /// While there are tasks, the zygotes are asked now and then whether they are still there.
  void keep_health_checked() WORKIT_REQUIRES(mutex_);
  void on_health_timer() WORKIT_EXCLUDES(mutex_);
  void zygote_hangs(const group& from) WORKIT_EXCLUDES(mutex_);
  /// Gives it up although it has not died; `how`: what is wrong with it.
  void abandon_zygote(const group& from, const std::string& how) WORKIT_EXCLUDES(mutex_);

  // pool_overdue.cpp
  void on_overdue_timer() WORKIT_EXCLUDES(mutex_);
  void worker_overdue(const handle& worker, deferred_actions& todo) WORKIT_REQUIRES(mutex_);
  [[nodiscard]] std::string why_overdue(const zygote_group& zygote) const WORKIT_REQUIRES(mutex_);

  // pool_workers.cpp
  /// Without real-time priority: a task that writes without end sets the pace.
  void on_output() WORKIT_EXCLUDES(mutex_);

  // pool_reload.cpp
  void begin_reload(const std::string& name, deadline_point until, time_point began) WORKIT_EXCLUDES(mutex_);
  void end_reload() noexcept WORKIT_EXCLUDES(mutex_);
  void switch_over(deferred_actions& todo) WORKIT_REQUIRES(mutex_);
  void give_up(zygote_group& candidate, const std::string& sentence) WORKIT_REQUIRES(mutex_);

  // pool_shutdown.cpp
  void wait_for_tasks(deadline_point until) WORKIT_EXCLUDES(mutex_);
  void kill_running(deadline_point until) noexcept WORKIT_EXCLUDES(mutex_);
  void end_zygotes(deadline_point until) noexcept WORKIT_EXCLUDES(mutex_);
  void give_up_unreaped() noexcept WORKIT_EXCLUDES(mutex_);

  // pool_startup.cpp
  void listen();
  void fall_silent() noexcept;
  void make_group();
  void try_out_proof() WORKIT_EXCLUDES(mutex_);
  handle take_probe() WORKIT_EXCLUDES(mutex_);
  void wait_for_workers() WORKIT_EXCLUDES(mutex_);

  const process_options options_;
  const limit_values limits_;
  const std::string preload_name_ = options_.preload ? options_.preload.name() : "";
  const std::string worker_init_name_ = options_.worker_init ? options_.worker_init.name() : "";
  const pool_size size_{options_};
  preempt::warden& warden_;
  const std::vector<int> loops_;
  const process_pool::wake_loop wake_loop_;
  std::unique_ptr<pool_cgroup> group_;  // from start to stop, null when there is none
  workit::detail::wake_pipe ready_;     // with worker_init: written by a worker that is ready
  output_set outputs_;                  // with worker_output::captured
  timer_fd zygote_timer_;               // until the next one is tried

  mutable thread_mutex mutex_;
  std::condition_variable changed_;
  life life_ WORKIT_GUARDED_BY(mutex_) = life::fresh;
  std::string trouble_ WORKIT_GUARDED_BY(mutex_);  // why there are no workers
  worker_table workers_ WORKIT_GUARDED_BY(mutex_){options_.payload_memory};
  std::optional<keeps_large_blocks> frames_ WORKIT_GUARDED_BY(mutex_);  // from start to stop, with payload_memory
  zygote_roles zygotes_ WORKIT_GUARDED_BY(mutex_);
  dispatcher dispatch_ WORKIT_GUARDED_BY(mutex_){options_.workers, options_.queue_limit, options_.when_full};
  bool reloading_ WORKIT_GUARDED_BY(mutex_) = false;
  bool replacing_ WORKIT_GUARDED_BY(mutex_) = false;
  zygote_outage outage_ WORKIT_GUARDED_BY(mutex_);
  start_failures start_failures_ WORKIT_GUARDED_BY(mutex_);
  capacity_losses losses_ WORKIT_GUARDED_BY(mutex_);  // of serving workers
  pool_timer back_off_ WORKIT_GUARDED_BY(mutex_);     // no fork for the serving zygote while it is set
  pool_timer replenish_ WORKIT_GUARDED_BY(mutex_);
  pool_timer overdue_ WORKIT_GUARDED_BY(mutex_);   // preload_timeout, worker_init_timeout: the next that may pass
  pool_timer shrink_ WORKIT_GUARDED_BY(mutex_);    // with idle_shrink
  pool_timer payloads_ WORKIT_GUARDED_BY(mutex_);  // gives back what they have kept
  pool_timer health_ WORKIT_GUARDED_BY(mutex_);
  pool_status counts_ WORKIT_GUARDED_BY(mutex_);        // the counters that only grow
  std::size_t finished_ WORKIT_GUARDED_BY(mutex_) = 0;  // tasks whose result was delivered
  shutdown_tally ending_ WORKIT_GUARDED_BY(mutex_);
};

}  // namespace workit::workers
