// The children of a zygote: its workers, their mm_holders, its host watcher, and the orphans that workers leave.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>
#include <workit/base/unique_fd.hpp>

#include "release_queue.hpp"

namespace workit::workers {

/// Requires: this process is a subreaper (prctl(2)), and so is every worker: what a task detaches stays below its
/// worker for as long as that lives, hence a child that the zygote did not fork is an orphan of a dead worker.
class child_reaper {
 public:
  /// A worker has died and was reaped.
  using exit_report = std::function<void(std::uint32_t worker, int status, const rusage& used)>;
  /// Called after that, when the worker's memory is free.
  using reclaim_report = std::function<void(std::uint32_t worker)>;

  child_reaper(exit_report exited, reclaim_report reclaimed)
      : exited_(std::move(exited)), reclaimed_(std::move(reclaimed)) {}

  /// `mm_holder`: -1 when there is none.
  void add_worker(std::uint32_t worker, pid_t pid, unique_fd pidfd, pid_t mm_holder);
  void set_host_watcher(pid_t pid) noexcept { host_watcher_ = pid; }
  /// SIGKILL to one worker; does nothing when it is gone.
  void kill_worker(std::uint32_t worker) noexcept;
  /// Reaps the children that have exited. A dead worker's process group and orphans are killed before it is reported;
  /// then the memories of dead workers are freed, one at a time: see release_queue. Blocks: no.
  void reap();
  /// Kills all children and reaps until there are none. Blocks: until then.
  void end();

 private:
  struct member {
    std::uint32_t worker;
    unique_fd pidfd;
    pid_t mm_holder;  // -1: none
  };
  /// A worker that was reaped and not yet reported.
  struct ended_worker {
    member of;
    int status;
    rusage used;
  };
  bool reap_one(int options);
  void report();
  void free_next() noexcept;
  void mm_holder_ended(pid_t pid);
  [[nodiscard]] bool is_known(pid_t pid, bool host_watcher_too) const noexcept;
  void kill_orphans(bool host_watcher_too) noexcept;

  exit_report exited_;
  reclaim_report reclaimed_;
  std::unordered_map<pid_t, member> workers_;
  std::vector<ended_worker> ended_;
  release_queue memories_;
  pid_t host_watcher_ = -1;
};

}  // namespace workit::workers
