// The floor: what a kill and its proof cost with nothing else around them.
#pragma once

#include <vector>

namespace demo {

/// Forks children that spin, kills each by SIGKILL and waits for one expedited membarrier: microseconds from the kill
/// to the proof, sorted. Threads: call it while the process has one, since it forks. Errors: std::runtime_error when
/// the kernel has no expedited membarrier.
[[nodiscard]] std::vector<double> kill_to_proof_us(int trials);

}  // namespace demo
