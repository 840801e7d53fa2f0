// The charts of the report, as HTML that needs no script. Each is empty when the run has nothing for it.
#pragma once

#include <string>

#include "run.hpp"

namespace workit::bench_report {

/// Cumulative curves of latency, a panel for each boundary and event: ours, the floor and the peers.
[[nodiscard]] std::string curves(const run& r);

/// One stop at each boundary, event by event.
[[nodiscard]] std::string timelines(const run& r);

/// The time of a stop against the memory that its victim held.
[[nodiscard]] std::string memory_chart(const run& r);

/// The same picture drawn for a wide page and for a narrow one, of which the page's style shows one.
template <class Draw>
[[nodiscard]] std::string wide_and_narrow(double wide, Draw&& draw) {
  return "<div class=\"wide\">" + draw(wide) + "</div><div class=\"narrow\">" + draw(358.0) + "</div>\n";
}

}  // namespace workit::bench_report
