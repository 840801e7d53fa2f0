// The control arm: each planted fault has to end a run of this program in red, by the right complaint.
#pragma once

#include <cstdint>

namespace workit::chaos {

/// Runs this program once for each fault, and shows a line for each; whether all were found.
[[nodiscard]] bool find_all_planted(std::uint64_t seed);

}  // namespace workit::chaos
