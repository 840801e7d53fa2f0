// A cgroup (v2) for a pool, where the host owns a delegated part of the tree.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace workit {

/// For the whole pool: zygote, preload and all workers.
struct cgroup_options {
  /// A directory of the cgroup2 file system that this program may write to and in which no process is, e.g. what
  /// systemd gives with Delegate=yes and DelegateSubgroup=. The pool makes a child in it, and removes that when it
  /// stops. Empty: no cgroup.
  std::string directory{};
  /// memory.max: bytes. Beyond it the kernel kills a worker, its task ends with killed_externally{oom: likely}.
  std::optional<std::uint64_t> memory{};
  /// cpu.max: how many processors' worth of time it may take in each 100 ms; 0.01 to 1024.
  std::optional<double> cpus{};
};

namespace workers {

/// What is wrong with the options, as the end of a sentence; nothing when all is well.
[[nodiscard]] std::optional<std::string> complaint_about(const cgroup_options& options);

/// One child group. Errors of all members that say so: start_failed with a sentence that names the file.
/// Threads: one at a time.
class pool_cgroup {
 public:
  /// Enables the controllers that are needed, makes the group and writes its limits. `most_processes`: pids.max.
  pool_cgroup(const cgroup_options& options, const std::string& pool, std::optional<std::uint64_t> most_processes);
  /// Kills the processes left in it (cgroup.kill) and removes it. Blocks: until they are gone, a second at most.
  ~pool_cgroup();
  pool_cgroup(const pool_cgroup&) = delete;
  pool_cgroup& operator=(const pool_cgroup&) = delete;

  /// Moves a process in; what it forks from now on is in it too.
  void add(pid_t process) const;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  void write(const char* file, const std::string& text) const;

  std::string path_;
};

}  // namespace workers
}  // namespace workit
