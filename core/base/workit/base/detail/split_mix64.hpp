// split_mix64: the generator SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
#pragma once

#include <cstdint>

namespace workit::detail::split_mix64 {

/// What each step adds to the state.
inline constexpr std::uint64_t golden = 0x9e3779b97f4a7c15U;

/// 64 mixed bits of a state.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t z) noexcept {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

}  // namespace workit::detail::split_mix64
