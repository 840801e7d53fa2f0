// The kinds of work that the soak mixes, and how each of them may end.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <string_view>
#include <workit/workit.hpp>

namespace workit::soak {

enum class kind : std::uint8_t { spin, storm, big_result, crash, exit, value };
inline constexpr std::array<std::string_view, 6> kind_names{"spin", "storm", "big_result", "crash", "exit", "value"};

/// Counts by kind of end.
struct tally {
  std::uint64_t begun = 0;
  std::uint64_t values = 0;
  std::uint64_t killed = 0;
  std::uint64_t withdrawn = 0;
  std::uint64_t crashed = 0;
  [[nodiscard]] std::uint64_t answered() const { return values + killed + withdrawn + crashed; }
  /// Those that cost a worker.
  [[nodiscard]] std::uint64_t stops() const { return killed + crashed; }
};

/// Runs one task of that kind to its end, whichever that is, and counts it once.
/// Errors: std::logic_error with a sentence when it ended as it never may.
void run_one(scope& s, kind what, std::mt19937_64& random, tally& counts);

}  // namespace workit::soak
