// The children of a zygote: its workers, the keepers of their memory, its host watcher, and the orphans that workers
// leave.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <unordered_map>
#include <vector>
#include <workit/base/unique_fd.hpp>

namespace workit::workers {

/// Requires: this process is a subreaper (prctl(2)), and so is every worker: what a task detaches stays below its
/// worker for as long as that lives, hence a child of ours that we did not fork is an orphan of a dead worker.
class child_reaper {
 public:
  /// A worker's end, told after it was reaped.
  using exit_report = std::function<void(std::uint32_t worker, int status, const rusage& used)>;
  /// Told after that, when its memory is back.
  using reclaim_report = std::function<void(std::uint32_t worker)>;

  child_reaper(exit_report exited, reclaim_report reclaimed)
      : exited_(std::move(exited)), reclaimed_(std::move(reclaimed)) {}

  /// `keeper`: of its memory, -1 when there is none.
  void add_worker(std::uint32_t worker, pid_t pid, unique_fd pidfd, pid_t keeper);
  void set_sentinel(pid_t pid) noexcept { sentinel_ = pid; }
  /// SIGKILL to one worker; one that is gone is fine.
  void kill_worker(std::uint32_t worker) noexcept;
  /// Reaps who has exited. A dead worker's process group and orphans are killed before it is reaped. The memory of dead
  /// workers is let go one at a time, in the order of their deaths: while the kernel frees a memory it keeps a
  /// processor to itself, until its next tick at least. Blocks: no.
  void reap();
  /// Kills everybody and reaps until there is nobody left. Blocks: until then.
  void end();

 private:
  struct member {
    std::uint32_t worker;
    unique_fd pidfd;
    pid_t keeper;  // -1: none
  };
  /// A worker that was reaped and not yet reported.
  struct end_of_worker {
    member of;
    int status;
    rusage used;
  };
  /// What a dead worker has left, until its keeper has been reaped.
  struct memory {
    std::uint32_t worker;
    pid_t keeper;
  };
  bool reap_one(int options);
  void report();
  void free_next() noexcept;
  void keeper_is_gone(pid_t pid);
  [[nodiscard]] bool is_ours(pid_t pid, bool sentinel_too) const noexcept;
  void kill_orphans(bool sentinel_too) noexcept;

  exit_report exited_;
  reclaim_report reclaimed_;
  std::unordered_map<pid_t, member> workers_;
  std::vector<end_of_worker> ended_;
  std::deque<memory> memories_;
  bool freeing_ = false;  // the first one's keeper has been killed
  pid_t sentinel_ = -1;
};

}  // namespace workit::workers
