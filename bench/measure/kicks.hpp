// Stops of a thread by its kick alone, with one thread that kicks and one that is kicked, both on a CPU all the time.
#pragma once

#include <string_view>

#include "floors.hpp"

namespace workit::bench {

struct kick_samples {
  samples stopped{};  ///< microseconds from the first kick to the victim's last instruction
  samples next{};     ///< from there to the first instruction of the next task on the same thread
};

/// Kicks that victim n times, at random moments. Requires two processors with nothing else to do.
/// Errors: std::runtime_error with preempt::why_unsupported(); std::invalid_argument for the name.
[[nodiscard]] kick_samples kicks(std::string_view victim, int n);

}  // namespace workit::bench
