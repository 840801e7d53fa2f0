// What a process pool is made of: its queue, its workers, its zygote.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>
#include <workit/workers/process_pool.hpp>

#include "line.hpp"
#include "worker_handle.hpp"
#include "zygote_link.hpp"

namespace workit::workers {

/// Invariants
/// 1. A job leaves `queued` and `running` once, by compare-and-swap on its own state; who wins it settles it. Between
///    host and worker the worker's shared word decides first (claim_stop, publish, commit).
/// 2. A worker leaves `running` or `collecting` for good once, under the mutex, in release(); with it `busy_` falls.
/// 3. A worker's handle is in `workers_` until its process has been reaped and its task was settled or taken from it;
///    nothing a dead or stopped worker could write is used again.
/// 4. busy_ <= options_.workers: spares are parked processes, not parallelism.
/// 5. Callbacks of the zygote's socket, of pidfds and of the timer run on the warden's thread, one at a time.
///
/// Lock order: mutex_ is a leaf. Nothing is called under it that could call back: not the warden, not settled(), not a
/// receipt. What has to be done after it is collected in `errands` and done by run(). System calls under it do not
/// block: a packet to the zygote, a descriptor closed.
class pool_core : public std::enable_shared_from_this<pool_core> {
 public:
  pool_core(process_options options, preempt::warden& warden, std::vector<int> loops);

  // pool_life.cpp
  void start();
  void stop() noexcept;
  bool drain(deadline until);
  [[nodiscard]] pool_status status() const;
  [[nodiscard]] process_limits limits() const;

  // pool_jobs.cpp
  void submit(std::shared_ptr<job> task);
  void collect(std::size_t loop);
  void on_stopped(job& task, std::shared_ptr<receipt_slot> receipt) noexcept;

  // pool_workers.cpp
  /// Asks the zygote to kill the worker of that pid, if it is one of ours.
  void delegate_kill(pid_t worker) noexcept;

 private:
  using handle = std::shared_ptr<worker_handle>;
  using lock = std::unique_lock<std::mutex>;
  enum class life { fresh, starting, open, broken, closing, closed };

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
  struct errands {
    void settle(std::shared_ptr<job> task, job_result result);

    std::vector<launch> launches;
    std::vector<settlement> settlements;
    std::vector<std::shared_ptr<receipt_slot>> reclaimed;
    bool fork = false;
  };
  void run(errands todo);

  // pool_jobs.cpp
  void take_launches(errands& todo);
  void start_on_worker(const launch& l);
  void withdraw_launch(const launch& l);
  enum class packets_left { for_later, never };
  void hear(const launch& l, packets_left then);
  void take_blocks_of(const launch& l, packet came);
  [[nodiscard]] attachments blocks_for(job& task);
  void take_result(const launch& l);
  void end_crashing(const std::vector<launch>& crashing);
  void settle(const std::shared_ptr<job>& task, job_result result);
  void fail_queue(const std::string& sentence, errands& todo);
  void unqueue(job& task);
  bool release(const handle& worker, const job& task, worker_state next, errands& todo);
  [[nodiscard]] static job_result gave_up(const job& task, pid_t worker);
  [[nodiscard]] job_result death_of(const worker_handle& worker, const job& task, const worker_end& end) const;

  // pool_workers.cpp
  void fork_workers();
  [[nodiscard]] bool wants_worker() const;
  /// The dead keep their memory for a while: a storm of stops must not pile them up without bound.
  static std::size_t most_dead(std::size_t wanted) noexcept { return std::max<std::size_t>(16, 4 * wanted); }
  handle reserve_worker();
  void on_forked(const message& m, unique_fd pidfd);
  void on_exited(std::uint32_t number, const worker_end& end);
  void on_violated(std::uint32_t number, int call);
  void task_died(const handle& worker, const std::shared_ptr<job>& task, const worker_end& end);
  void back_off(errands& todo);
  void on_back_off_over();

  // pool_zygote.cpp
  void start_zygote();
  void on_zygote_readable();
  void on_message(const message& m, std::vector<unique_fd>& descriptors);
  void zygote_lost();
  void adopt_orphans(std::vector<handle> orphans);
  void break_down(const std::string& sentence);

  // pool_life.cpp
  void make_group();
  void try_out_proof();
  handle take_probe();
  void wait_for_workers();
  void kill_running() noexcept;
  void end_zygote() noexcept;

  const process_options options_;
  const limit_values limits_;
  preempt::warden& warden_;
  const std::vector<int> loops_;
  unique_fd back_off_timer_;
  std::unique_ptr<pool_cgroup> group_;  // from start to stop, null when there is none

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // All below is guarded by mutex_.
  life life_ = life::fresh;
  std::string trouble_;  // why the pool is broken, or why there are no workers
  std::unique_ptr<zygote_link> zygote_;
  bool zygote_ready_ = false;
  bool zygote_ending_ = false;  // dead, and being cleared away
  unsigned zygote_deaths_ = 0;  // in a row, without a result between them
  std::unordered_map<std::uint32_t, handle> workers_;
  std::vector<handle> idle_;  // last in, first out: the warmest first
  std::list<std::shared_ptr<job>> queue_;
  std::size_t starting_ = 0;
  std::size_t busy_ = 0;
  std::size_t unsettled_ = 0;
  std::uint32_t last_number_ = 0;
  unsigned start_deaths_ = 0;  // workers in a row that died before they were ready, or could not be forked
  bool backing_off_ = false;
  pool_status counts_;  // the counters that only grow
};

}  // namespace workit::workers
