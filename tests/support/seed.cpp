// The seed of a randomized test.
#include "seed.hpp"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace workit::test {

std::uint64_t seed() {
  const char* given = std::getenv("WORKIT_TEST_SEED");
  const std::uint64_t value = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::printf("seed %" PRIu64 " (run again with WORKIT_TEST_SEED=%" PRIu64 ")\n", value, value);
  return value;
}

}  // namespace workit::test
