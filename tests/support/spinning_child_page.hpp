// The page that a spinning child shares with the test that drives it.
#pragma once

#include <atomic>
#include <cstdint>
#include <workit/preempt/life_mutex.hpp>

namespace workit::test {

struct spinning_child_page {
  preempt::life_mutex life;                         ///< held by the child while it spins
  alignas(64) std::atomic<std::uint64_t> beats{0};  ///< it does nothing but add to this
  alignas(64) std::atomic<bool> may_end{false};     ///< asks it to go on for `beats_to_end`, then to come to its end
  std::atomic<bool> marker{false};                  ///< the very last thing that it does
};

/// How many beats lie between the request to end and the end: some tens of milliseconds of pure computing.
inline constexpr std::uint64_t beats_to_end = 10'000'000;

}  // namespace workit::test
