// Whether the kernel's out-of-memory killer was at work: its counters, read before and after a death.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <workit/base/worker_errors.hpp>

namespace workit::workers {

/// How many processes it has killed. The kernel counts before it sends the signal (mm/oom_kill.c,
/// __oom_kill_process()), so a death is counted by the time that it is known.
struct oom_counts {
  std::optional<std::uint64_t> group{};    ///< in this process's memory cgroup, also for want of the machine's memory
  std::optional<std::uint64_t> machine{};  ///< since boot; of other containers too
};

/// The files with the counters; empty where there is none.
struct oom_sources {
  std::string group;    ///< memory.events (cgroup v2) or memory.oom_control (v1)
  std::string machine;  ///< vmstat

  /// Of this process, by its list of cgroups and mounts. `proc` is where /proc is.
  [[nodiscard]] static oom_sources find(const std::string& proc = "/proc");
};

/// Reads them; the machine's only where the group's cannot be had. Blocks: some 10 us.
[[nodiscard]] oom_counts read_oom_counts(const oom_sources& from);

/// Whether a SIGKILL between two readings was the killer's. Workers have the highest oom_score_adj, so that the killer
/// chooses one of them first: a kill in their group while a worker died is taken for its cause. The machine's counter
/// counts other processes too: when it has grown, the dead worker must have held 1 MiB (`rss`) at least.
[[nodiscard]] out_of_memory guess_oom(const oom_counts& before, const oom_counts& after, std::uint64_t rss) noexcept;

}  // namespace workit::workers
