// A season: a runtime with pools, threads that use it in every way, and its end.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "faults.hpp"
#include "monitor.hpp"

namespace workit::chaos {

struct season_options {
  std::uint64_t seed = 0;
  std::chrono::milliseconds length{1000};
  std::optional<fault> planted{};  ///< in its midst
};

struct season_report {
  std::uint64_t operations = 0, values = 0, failures = 0, stopped = 0, kills = 0;
  bool troubled = false;
  std::vector<std::string> wrong;
};

/// Runs one season to its end; the report says what was wrong by its books. Blocks: the thread, for its length and the
/// end of what is under way.
[[nodiscard]] season_report run_season(const season_options& options, monitor& watched);

}  // namespace workit::chaos
