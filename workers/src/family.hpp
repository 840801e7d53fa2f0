// The children of a zygote: its workers, its sentinel, and the orphans that workers leave.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <unordered_map>
#include <workit/base/unique_fd.hpp>

namespace workit::workers {

/// Requires: this process is a subreaper (prctl(2)), and so is every worker: what a task detaches stays below its
/// worker for as long as that lives, hence a child of ours that we did not fork is an orphan of a dead worker.
class family {
 public:
  /// A worker's end, told after it was reaped.
  using exit_report = std::function<void(std::uint32_t worker, int status, const rusage& used)>;

  explicit family(exit_report report) : report_(std::move(report)) {}

  void add_worker(std::uint32_t worker, pid_t pid, unique_fd pidfd);
  void set_sentinel(pid_t pid) noexcept { sentinel_ = pid; }
  /// SIGKILL to one worker; one that is gone is fine.
  void kill_worker(std::uint32_t worker) noexcept;
  /// Reaps who has exited. A dead worker's process group and orphans are killed before it is reaped. Blocks: no.
  void reap();
  /// Kills everybody and reaps until there is nobody left. Blocks: until then.
  void end();

 private:
  struct member {
    std::uint32_t worker;
    unique_fd pidfd;
  };
  bool reap_one(int options);
  void kill_orphans(bool sentinel_too) noexcept;

  exit_report report_;
  std::unordered_map<pid_t, member> workers_;
  pid_t sentinel_ = -1;
};

}  // namespace workit::workers
