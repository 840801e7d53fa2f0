// What a process pool is made of: its queue, its workers, its zygote.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>
#include <workit/workers/process_pool.hpp>

#include "job_queue.hpp"
#include "task_channel.hpp"
#include "worker_handle.hpp"
#include "zygote_group.hpp"

namespace workit::workers {

/// Invariants
/// 1. A job leaves `queued` and `running` once, by compare-and-swap on its own state; who wins it settles it. Between
///    host and worker the worker's shared word decides first (claim_stop, publish, commit).
/// 2. A worker changes its state under the mutex and in enter() alone, which keeps its zygote group's counts; it
/// becomes lost
///    once, and then no counter and no list of idle workers knows it.
/// 3. A worker's handle is in `workers_` until its memory is back and its task was settled or taken from it;
///    nothing a dead or stopped worker could write is used again.
/// 4. busy() <= options_.workers, over all zygote_groups: spares are parked processes, not parallelism.
/// 5. Tasks are given to workers of `serving_` only. A zygote group that is neither `serving_` nor `next_` loses each
/// worker
///    as its task ends, and is dismissed with the last; it is in `zygote_groups_` until its zygote has been cleared
///    away too.
/// 6. An open pool has a serving_ zygote, or one is about to be tried: replacing_ is true, or zygote_timer_ runs.
/// 7. Callbacks of the zygotes' sockets, of pidfds, of the bell and of timers run on the warden's thread, one at a
///    time.
///
/// Lock order: mutex_ is a leaf but for the mutexes of remote_channels; a worker's `listening` is taken before those,
/// too. Nothing is called under them that could call back: not the warden, not settled(), not a receipt. What has to be
/// done after it is collected in `deferred_actions` and done by run(). System calls under it do not block: a packet to
/// the zygote, a descriptor closed.
class pool_core : public std::enable_shared_from_this<pool_core> {
 public:
  pool_core(process_options options, preempt::warden& warden, std::vector<int> loops);

  [[nodiscard]] const std::string& name() const noexcept { return options_.name; }

  // pool_startup.cpp
  void start();
  bool drain(deadline until);
  [[nodiscard]] pool_status status() const;
  [[nodiscard]] process_limits limits() const;

  // pool_reload.cpp
  void reload(deadline until);

  // pool_shutdown.cpp
  shutdown_report stop(shutdown_options how) noexcept;

  // pool_jobs.cpp
  void submit(std::shared_ptr<job> task);

  // pool_collect.cpp
  void collect(std::size_t loop);

  // pool_completion.cpp
  void on_stopped(job& task, std::shared_ptr<receipt_slot> receipt) noexcept;

  // pool_workers.cpp
  /// For a worker that this process may not kill, since it has dropped its privileges.
  void ask_zygote_to_kill(const worker_handle& worker) noexcept;

 private:
  using handle = std::shared_ptr<worker_handle>;
  using lock = std::unique_lock<std::mutex>;
  enum class life { fresh, starting, open, closing, closed };

  /// A job and the worker it is bound to.
  struct launch {
    std::shared_ptr<job> task;
    handle worker;
  };
  struct settlement {
    std::shared_ptr<job> task;
    job_result result;
  };
  /// What was decided under the mutex and is done without it.
  struct deferred_actions {
    void settle(std::shared_ptr<job> task, job_result result);

    std::vector<launch> launches;
    std::vector<settlement> settlements;
    std::vector<std::shared_ptr<receipt_slot>> reclaimed;
    std::vector<handle> kills;
    handle prewoken;
    bool fork = false;
  };
  void run(deferred_actions todo);

  // pool_jobs.cpp
  void take_launches(deferred_actions& todo);
  void start_on_worker(const launch& l);
  void withdraw_launch(const launch& l);
  /// Where tasks have followed upon stops, the next worker is prewoken after one.
  void prewake_next(time_point lost, deferred_actions& todo);
  void note_whether_it_follows(time_point submitted) noexcept;
  bool release(const handle& worker, const job& task, worker_state next, deferred_actions& todo);
  void settle(const std::shared_ptr<job>& task, job_result result);
  [[nodiscard]] job_not_started stopped_answer() const;
  void fail_queue(const job_not_started& answer, deferred_actions& todo);

  // pool_collect.cpp
  enum class packets_left { for_later, never };
  void hear(const launch& l, packets_left then);
  [[nodiscard]] static bool take_part_of(const launch& l, packet& came);
  void take_blocks_of(const launch& l, packet came);
  [[nodiscard]] attachments blocks_for(job& task);
  void take_result(const launch& l);
  void end_crashing(const std::vector<launch>& crashing);

  // pool_completion.cpp
  void count_stop(const job& task, stop_method how, time_point now);
  [[nodiscard]] static job_result gave_up(const job& task, pid_t worker);
  [[nodiscard]] job_result death_of(const worker_handle& worker, const job& task, const worker_end& end) const;
  void task_died(const handle& worker, const std::shared_ptr<job>& task, const worker_end& end);

  // pool_workers.cpp
  /// Kills it, through its zygote where this process may not. True when the kill was sent from here: only then a
  /// barrier proves anything. Requires: not under the mutex.
  bool kill_worker(worker_handle& worker) noexcept;
  void enter(const handle& worker, worker_state next);
  [[nodiscard]] std::size_t busy() const noexcept;
  [[nodiscard]] std::size_t alive() const noexcept;
  void fork_workers();
  /// The dead keep their memory for a while: a storm of stops must not pile them up without bound.
  static std::size_t most_dead(std::size_t wanted) noexcept { return std::max<std::size_t>(16, 4 * wanted); }
  [[nodiscard]] std::shared_ptr<zygote_group> short_of_workers() const;
  /// Has missing workers forked: at once when a task waits for one, else a little later (or when the dead one has been
  /// reaped), because a fork beside the next task of who stopped the last one doubles its time.
  void replenish(deferred_actions& todo);
  void on_replenish_timer();
  handle reserve_worker();
  void on_forked(zygote_group& from, const message& m, unique_fd pidfd);
  void on_ready(const handle& worker, deferred_actions& todo);
  void on_ready_event();
  void on_exited(std::uint32_t number, const worker_end& end);
  void on_reclaimed(std::uint32_t number);
  void on_violated(std::uint32_t number, int call);
  bool died_at_start(const worker_handle& worker, int status);
  void back_off(deferred_actions& todo);
  void on_back_off_over();

  // pool_size.cpp
  [[nodiscard]] std::size_t wanted() const noexcept;
  [[nodiscard]] std::size_t wanted_from(const zygote_group& b) const noexcept;
  [[nodiscard]] bool is_spent(const worker_handle& worker) const noexcept;
  void arm_shrink_timer();
  void on_shrink_timer();
  void forget_old_losses();

  // pool_zygote.cpp
  std::shared_ptr<zygote_group> start_zygote(std::shared_ptr<zygote_group> pool_core::*role);
  void on_zygote_readable(const std::shared_ptr<zygote_group>& from);
  void on_message(const std::shared_ptr<zygote_group>& from, const message& m, std::vector<unique_fd>& descriptors);
  void on_preload_failed(zygote_group& from, const std::string& sentence);
  void zygote_died(const std::shared_ptr<zygote_group>& from);
  /// Clears away a dead zygote and its workers. What became of it, if tasks were given to its workers.
  std::optional<std::string> bury(const std::shared_ptr<zygote_group>& from);
  /// There is no serving zygote any more, or could not be another: has the next one tried, soon or a little later.
  void zygote_missing(const std::string& how);
  void replace_zygote();
  void on_zygote_timer();

  // pool_orphans.cpp
  struct orphan {
    handle worker;
    bool spared = false;  // it has a task, and may end it
    bool dead = false;    // it died while its zygote hung: only its memory was left, and goes with the zygote
  };
  enum class with_tasks { die, go_on };
  std::vector<orphan> take_orphans(const std::shared_ptr<zygote_group>& from, with_tasks those);
  void adopt_orphans(std::vector<orphan> orphans, const std::string& zygote);
  [[nodiscard]] bool is_dead(const zygote_group& zygote) const;
  [[nodiscard]] bool is_orphan(std::uint32_t number) const;

  // zygote_health.cpp
  /// While there are tasks, the zygotes are asked now and then whether they are still there.
  void keep_health_checked();
  void on_health_timer();
  void zygote_hangs(const std::shared_ptr<zygote_group>& from);

  // pool_output.cpp
  void watch_output(const worker_handle& worker);
  void on_output();

  // pool_reload.cpp
  void switch_over(deferred_actions& todo);
  void retire(const std::shared_ptr<zygote_group>& old, deferred_actions& todo);
  void give_up(zygote_group& candidate, const std::string& sentence);
  [[nodiscard]] bool is_retired(const zygote_group* b) const noexcept {
    return b != serving_.get() && b != next_.get();
  }

  // pool_shutdown.cpp
  void wait_for_tasks(deadline until);
  void kill_running(deadline until) noexcept;
  void end_zygotes(deadline until) noexcept;
  void give_up_unreaped() noexcept;

  // pool_startup.cpp
  void listen();
  void fall_silent() noexcept;
  void make_group();
  void try_out_proof();
  handle take_probe();
  void wait_for_workers();

  const process_options options_;
  const limit_values limits_;
  preempt::warden& warden_;
  const std::vector<int> loops_;
  unique_fd back_off_timer_;
  unique_fd replenish_timer_;
  unique_fd shrink_timer_;  // with idle_shrink
  unique_fd ready_event_;   // with worker_init: rung by a worker that is ready
  unique_fd zygote_timer_;  // until the next one is tried
  unique_fd health_timer_;
  unique_fd outputs_;                   // with worker_output::captured: an epoll set of the workers' pipes
  std::unique_ptr<pool_cgroup> group_;  // from start to stop, null when there is none

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // All below is guarded by mutex_.
  life life_ = life::fresh;
  std::string trouble_;                    // why there are no workers
  std::shared_ptr<zygote_group> serving_;  // null while its zygote is being replaced, or cannot be
  std::shared_ptr<zygote_group> next_;     // during a reload
  std::vector<std::shared_ptr<zygote_group>> zygote_groups_;
  bool reloading_ = false;
  unsigned zygote_deaths_ = 0;  // in a row, without a result between them; those that could not be started among them
  time_point outage_since_{};   // when the zygote went that has no successor with a worker yet
  bool replacing_ = false;
  bool checking_health_ = false;
  std::unordered_map<std::uint32_t, handle> workers_;
  job_queue queue_{options_.queue_limit};
  std::size_t unsettled_ = 0;
  std::uint32_t last_number_ = 0;
  unsigned start_deaths_ = 0;  // workers in a row that died before they were ready, or could not be forked
  bool backing_off_ = false;
  bool replenishing_ = false;
  bool shrink_armed_ = false;
  time_point last_loss_{};         // of a worker, until the next task is submitted
  bool task_follows_ = false;      // one came shortly after the last loss before
  std::deque<time_point> losses_;  // of serving workers that were not replaced yet
  pool_status counts_;             // the counters that only grow
  std::size_t finished_ = 0;       // tasks whose result was delivered
  shutdown_report report_;
};

}  // namespace workit::workers
