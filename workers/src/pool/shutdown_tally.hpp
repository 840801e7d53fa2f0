// What a pool's end has done with the tasks and processes that were there when it began.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <workit/workers/pool_status.hpp>

namespace workit::workers {

/// External synchronisation: the pool's mutex. Calls come in this order: begin(), add_unreaped(), end(), report().
class shutdown_tally {
 public:
  /// Counters of the pool that only grow.
  struct totals {
    std::size_t finished = 0;
    std::size_t killed = 0;
  };

  /// The intake is closed: `refused` tasks were waiting, and `processes` are there.
  void begin(totals at_start, std::size_t refused, std::size_t processes) noexcept {
    at_start_ = at_start;
    report_.refused = refused;
    report_.reaped = processes;
  }
  /// Processes that are not gone.
  void add_unreaped(std::vector<unreaped_process> left) noexcept { report_.unreaped = std::move(left); }
  void end(totals at_end, std::size_t unsettled, duration took) noexcept {
    report_.finished = at_end.finished - at_start_.finished;
    report_.killed = at_end.killed - at_start_.killed;
    report_.unsettled = unsettled;
    report_.reaped -= std::min(report_.reaped, report_.unreaped.size());
    report_.took = took;
  }
  /// That of a pool that was never started is empty.
  [[nodiscard]] const shutdown_report& report() const noexcept { return report_; }

 private:
  totals at_start_{};
  shutdown_report report_{};
};

}  // namespace workit::workers
