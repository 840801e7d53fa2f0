// What a service wants to know of a pool of worker processes: how it stands, how it did, how it ended.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>
#include <workit/base/reason.hpp>
#include <workit/workers/log2_histogram.hpp>

namespace workit::workers {

/// How many stops there were for each kind of reason.
class stops_by_reason {
 public:
  static constexpr std::size_t kinds = cancel_reason::kinds;
  void count(const cancel_reason& why) noexcept { ++of_kind_[why.index()]; }
  /// As in `of<reason::deadline>()`.
  template <class Reason>
  [[nodiscard]] std::uint64_t of() const noexcept {
    return of_kind_[cancel_reason(Reason{}).index()];
  }
  /// By the index of the alternative in cancel_reason.
  [[nodiscard]] const std::array<std::uint64_t, kinds>& of_kind() const noexcept { return of_kind_; }

 private:
  std::array<std::uint64_t, kinds> of_kind_{};
};

/// Counts at one moment, and since the start.
struct pool_status {
  std::size_t busy = 0;         ///< workers with a task
  std::size_t idle = 0;         ///< parked workers, spares among them
  std::size_t spares = 0;       ///< parked workers beyond the number of tasks that can run at once
  std::size_t starting = 0;     ///< asked of a zygote, or in worker_init
  std::size_t unreclaimed = 0;  ///< dying: killed or dead, memory and process not yet back
  std::size_t outgoing = 0;     ///< of the busy ones, those that a reload has left behind
  std::size_t queued = 0;       ///< tasks that wait for a worker: queue_limit at most
  std::size_t waiting = 0;      ///< tasks that wait for a place among those
  duration longest_wait{};      ///< of all these tasks, until now

  std::uint64_t started = 0;          ///< workers forked, but for the one of a self-test
  std::uint64_t killed = 0;           ///< workers lost to a stop
  std::uint64_t crashed = 0;          ///< tasks whose worker died under them
  std::uint64_t recycled = 0;         ///< workers replaced for max_tasks, max_growth, or what their task left behind
  std::uint64_t shrunk = 0;           ///< workers let go by idle_shrink
  std::uint64_t refused = 0;          ///< tasks that found the queue full
  std::uint64_t reloads = 0;          ///< that succeeded
  std::uint64_t zygotes = 0;          ///< zygotes started; more than 1 + reloads: they died and were replaced
  std::uint64_t zygote_failures = 0;  ///< zygotes that died, did not answer, or could not be started
  pid_t zygote = 0;                   ///< that new workers come from; 0 when there is none

  stops_by_reason stops{};           ///< of tasks, those that were still waiting among them
  log2_histogram queue_wait{};       ///< from submission to a worker; its sum is the total wait
  log2_histogram stop_latency{};     ///< of running tasks: from the request until the stop was proven
  log2_histogram reclaim_latency{};  ///< of these: from the proof until process and memory were back
  log2_histogram
      capacity_restore{};  ///< from the loss of a worker until another was ready; spares hide this from tasks
};

/// As text for people: a line for the workers, a line for the queue, a line for each kind of stop and each histogram
/// that has anything in it. Blocks: no. Threads: any.
[[nodiscard]] std::string render_pool(const std::string& name, const pool_status& status);

/// A process that was killed and has not died: it sleeps in the kernel (D in ps), or a tracer holds it. Not one of its
/// instructions runs, but its memory is not back.
struct unreaped_process {
  pid_t pid = 0;
  bool is_zygote = false;  ///< else a worker
  char state = '?';        ///< as in /proc/pid/stat
};

/// How a pool ended. Every task that was ever submitted is in one of the outcomes of jobs; these are the last ones.
struct shutdown_report {
  std::size_t refused = 0;    ///< tasks that were waiting: told that they will not begin
  std::size_t finished = 0;   ///< tasks that ended by themselves within the grace, or as it ended
  std::size_t killed = 0;     ///< tasks that were stopped
  std::size_t unsettled = 0;  ///< tasks whose stop was under way already and is not proven; they are settled later
  std::size_t reaped = 0;     ///< processes that were there when it began and are gone: workers and zygotes
  std::vector<unreaped_process> unreaped{};  ///< those that are not
  duration took{};
};

}  // namespace workit::workers
