// Measures what workit-latency shows.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "figure.hpp"

namespace workit::latency {

/// Floors, then stops, a deadline and calls at those boundaries. `say` hears what is measured next.
/// Blocks: for about `stops` times 20 ms in all. What cannot be measured says why in its figure.
[[nodiscard]] std::vector<figure> measure_all(const std::vector<std::string>& boundaries, int stops,
                                              const std::function<void(const std::string&)>& say);

}  // namespace workit::latency
