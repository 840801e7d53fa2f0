// The seed of a randomized test.
#pragma once

#include <cstdint>

namespace workit::test {

/// A fresh seed, or that in WORKIT_TEST_SEED, to run a failed test again; printed to the test's output either way.
[[nodiscard]] std::uint64_t seed();

}  // namespace workit::test
