// backoff: how long to wait before the next attempt.
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <workit/base/time_span.hpp>

namespace workit {

/// How the delays between attempts grow from the initial one, or a function that gives each: `duration(attempt)`,
/// where attempt 1 is the first that failed.
class backoff {
 public:
  enum shape : std::uint8_t {
    fixed,        ///< initial, initial, initial ...
    linear,       ///< initial x 1, x 2, x 3 ...
    exponential,  ///< initial x 1, x 2, x 4 ...
  };

  backoff(shape s) noexcept : shape_(s) {}  // NOLINT: a shape is a backoff
  template <std::invocable<std::size_t> F>
  backoff(F f) : function_(std::move(f)) {}  // NOLINT: and so is a function

  /// The delay after `failed` attempts, 1 or more; at most `most`. Errors: std::invalid_argument when the function
  /// returns a negative one; what it throws.
  [[nodiscard]] duration delay(std::size_t failed, time_span initial, time_span most) const;

  /// Whether a function gives the delays.
  [[nodiscard]] bool is_dynamic() const noexcept { return static_cast<bool>(function_); }

 private:
  shape shape_ = exponential;
  std::function<time_span(std::size_t)> function_;
};

namespace detail {

/// Random factors in [0.5, 1), so that tasks that failed together do not retry together. SplitMix64 (Steele, Lea,
/// Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014). Threads: any.
class jitter {
 public:
  /// The same seed, the same factors; without one, each object has its own, a copy too: many copies of one retry are
  /// just those that must not come back together.
  explicit jitter(std::optional<std::uint64_t> seed);
  jitter(const jitter& other);
  jitter& operator=(const jitter&) = delete;
  [[nodiscard]] duration apply(duration d) noexcept;

 private:
  bool seeded_;
  std::atomic<std::uint64_t> state_;
};

}  // namespace detail
}  // namespace workit
