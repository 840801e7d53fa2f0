// A host that is killed in the midst of a season.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace workit::chaos {

/// Starts this program as a host that runs seasons from `seed` on, kills it a moment later, and sees that what it had
/// started is gone. Says what is left; ground::settle() finds the rest. Blocks: the thread, a second or so.
[[nodiscard]] std::vector<std::string> doom_a_host(std::uint64_t seed);

}  // namespace workit::chaos
