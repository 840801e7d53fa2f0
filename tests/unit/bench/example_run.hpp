// A synthetic run with every series that a target or a chart needs, with realistic figures.
#pragma once

#include "synthetic_run.hpp"

namespace workit::bench_report::test {

/// Five rounds; some targets fall short, and one peer only stops waiting.
[[nodiscard]] run example_run(std::uint64_t seed);

}  // namespace workit::bench_report::test
