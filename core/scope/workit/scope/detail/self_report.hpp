// self_report: what a task says about itself while it runs.
#pragma once

#include <optional>
#include <string>
#include <workit/base/clock.hpp>
#include <workit/base/event_forward.hpp>

namespace workit::detail {

/// Kept for snapshots; made when there is something to keep. Threads: the home loop's.
struct self_report {
  std::optional<double> pct;           ///< as last reported, 0 to 1
  std::optional<std::string> message;  ///< as last reported
  std::optional<time_point> at;        ///< when, by the runtime's clock; nothing was reported while empty
  unsigned attempt = 0;                ///< of the retry whose attempt this is, 1 for the first; 0 for none

  /// Keeps `said`. Allocates for a message that is longer than those before it, else not.
  void keep(const event::progress& said, time_point now);
};

}  // namespace workit::detail
