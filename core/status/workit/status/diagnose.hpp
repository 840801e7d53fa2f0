// diagnose: what a person should look at, found in a snapshot.
#pragma once

#include <optional>
#include <span>
#include <workit/base/recorded_event.hpp>
#include <workit/scope/snapshot.hpp>
#include <workit/scope/stall_report.hpp>

namespace workit {

enum class finding_code : std::uint8_t {
  old_pending_task,     ///< waits for its turn, or runs, for longer than stale_after
  pending_child_scope,  ///< a scope that is not the root has been open for longer than stale_after
  scope_closing,        ///< a scope is being stopped, and has not closed yet
  cleanup_timed_out,    ///< a cleanup overran its bound (from events)
  loser_unresponsive,   ///< a task that lost a race, or timed out, goes on after loser_grace
  task_unresponsive,    ///< a task that is to stop for another reason goes on after loser_grace: its scope waits for it
  stop_ignored,         ///< a body returned more than loser_grace after its time was over (from events)
  worker_killed,        ///< work behind a boundary had to be killed
  worker_crashed,       ///< a worker process died on its own
  capacity_degraded,    ///< a pool has fewer workers than it should (from capacity)
};
[[nodiscard]] std::string_view to_string(finding_code c) noexcept;

enum class finding_severity : std::uint8_t { warning, error };
[[nodiscard]] std::string_view to_string(finding_severity s) noexcept;

struct finding {
  finding_code code{};
  finding_severity severity = finding_severity::warning;
  std::string message{};             ///< a sentence for people
  work_id scope = 0;                 ///< 0 when it is about no scope that is known
  work_id task = 0;                  ///< likewise
  duration age{};                    ///< for how long it has been so; zero when that is unknown
  std::vector<std::string> stack{};  ///< where it is, innermost function first; empty when that is unknown
};

/// What a pool of workers should have and has.
struct pool_capacity {
  std::string pool{};
  std::size_t wanted = 0;
  std::size_t ready = 0;
};

struct diagnose_options {
  /// By default the instant of the snapshot. A later one makes all that was alive then older.
  std::optional<time_point> now{};
  /// Half a minute is longer than the work of any healthy request.
  time_span stale_after = std::chrono::seconds(30);
  /// How long a task that is to stop may take to answer: a cooperative one does at its next suspension.
  time_span loser_grace = std::chrono::seconds(1);
  std::span<const recorded_event> events{};
  std::span<const pool_capacity> capacity{};
  /// What runtime_options::on_stall has heard: while a task holds its I/O thread, no snapshot of that can be taken.
  std::span<const stall_report> stalls{};
  std::size_t max_findings = 100;  ///< more are counted, not kept
};

enum class diagnosis_status : std::uint8_t { ok, needs_attention };
[[nodiscard]] std::string_view to_string(diagnosis_status s) noexcept;

struct diagnosis {
  diagnosis_status status = diagnosis_status::ok;  ///< ok if nothing at all was found
  std::vector<finding> findings{};
  std::size_t found = 0;     ///< all findings, those that were not kept included
  std::size_t warnings = 0;  ///< likewise
  std::size_t errors = 0;    ///< likewise
  bool truncated = false;    ///< there were more than max_findings
  std::size_t scopes = 0;    ///< scopes in the snapshot
  task_counts tasks{};       ///< of all of them
};

/// Walks each scope, then its stopped workers, its tasks with the scopes below each, its scopes; then the events, then
/// the stalls, then the pools. The same input gives the same findings in the same order. Pure. Blocks: no. Threads:
/// any. Errors: std::invalid_argument unless the two durations are more than zero.
[[nodiscard]] diagnosis diagnose(const scope_snapshot& snapshot, const diagnose_options& options = {});
/// The same over all roots and the queue.
[[nodiscard]] diagnosis diagnose(const runtime_snapshot& snapshot, const diagnose_options& options = {});

}  // namespace workit
