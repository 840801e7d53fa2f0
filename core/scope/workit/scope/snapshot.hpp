// snapshot: what a scope and all below it are doing, as plain data that no longer changes.
#pragma once

#include <workit/scope/scope_receipt.hpp>

namespace workit {

/// Where a scope is in its life. It is closing from the moment that it, or a scope above it, is cancelled; at the
/// latest when its last task has ended and its cleanups run.
enum class scope_state : std::uint8_t { running, closing, closed };
[[nodiscard]] std::string_view to_string(scope_state s) noexcept;

/// Why something is being stopped, or was.
struct stop_snapshot {
  cancel_reason why{};
  duration since{};  ///< how long ago it was decided; machine time, also under a manual clock
};

/// What a task failed with.
struct failure_snapshot {
  std::string what{};           ///< what() of a std::exception, else a phrase that says there was none
  bool worker_crashed = false;  ///< it was a workit::worker_crashed
};

/// How many tasks of one scope are, or have ended, in which way; all since it opened.
struct task_counts {
  std::uint64_t pending = 0;
  std::uint64_t running = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
  [[nodiscard]] std::uint64_t total() const noexcept { return pending + running + succeeded + failed + cancelled; }
};

/// One scope and all below it. Instants by the runtime's clock.
struct scope_snapshot {
  /// One task, also called task_snapshot; in here because either has a list of the other.
  struct task {
    work_id id = 0;
    std::string name{};
    task_kind kind = task_kind::io;
    task_status status = task_status::pending;
    bool background = false;
    time_point spawned{};
    std::optional<time_point> started{};     ///< its body began
    duration age{};                          ///< since it was spawned, or from then to its end
    duration took{};                         ///< since its body began, or from then to its end; zero before that
    std::optional<std::uint32_t> attempt{};  ///< which try of a retry this is, from 1
    std::optional<double> progress{};        ///< 0 to 1, as its body reported
    std::optional<std::string> message{};    ///< likewise, for people
    std::string waits_for{};  ///< what its fiber waits for, as in "sleep"; empty when it runs or is ready
    bool in_cleanup = false;  ///< its body has ended, one of its cleanups runs
    std::optional<stop_snapshot> stopping{};
    std::optional<failure_snapshot> failure{};
    /// Of work behind boundaries; once the task has ended, its scope has them.
    std::vector<scope_receipt::stop> stops{};
    std::vector<scope_snapshot> scopes{};  ///< those that its body has open
  };

  work_id id = 0;
  std::string name{};
  scope_state state = scope_state::running;
  time_point taken{};  ///< the instant of this snapshot
  time_point opened{};
  duration open{};            ///< since it opened, or from then until it closed
  deadline_point deadline{};  ///< its own; those above rule as well
  task_counts counts{};
  std::string waits_for{};  ///< what the fiber of its body waits for, as task_snapshot::waits_for
  bool in_cleanup = false;  ///< one of its cleanups runs
  std::optional<stop_snapshot> stopping{};
  /// All that live and the last 32 that have ended, in the order of their spawning.
  std::vector<task> tasks{};
  std::uint64_t tasks_forgotten = 0;  ///< how many more have ended
  std::vector<scope_receipt::stop> stops{};
  std::uint64_t stops_dropped = 0;
  std::vector<scope_snapshot> scopes{};  ///< those that its body, not a task, has open
  bool cut = false;                      ///< more than 100 scopes deep: what is below this one is left out
};

using task_snapshot = scope_snapshot::task;

/// All root scopes of a runtime.
struct runtime_snapshot {
  std::string name{};
  time_point taken{};
  std::vector<scope_snapshot> roots{};
  std::vector<task_snapshot> queued{};  ///< roots that were accepted and have not opened their scope yet
};

/// One line of JSON; durations in microseconds.
[[nodiscard]] std::string to_json(const scope_snapshot& snapshot);
[[nodiscard]] std::string to_json(const runtime_snapshot& snapshot);

}  // namespace workit
