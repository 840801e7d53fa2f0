// Microseconds between moments, and pauses that keep trials out of step with the clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>

namespace workit::bench {

inline double us(std::chrono::steady_clock::duration d) { return std::chrono::duration<double, std::micro>(d).count(); }

/// Microseconds since it was made.
class stopwatch {
 public:
  using clock = std::chrono::steady_clock;
  [[nodiscard]] double elapsed() const { return us(clock::now() - began_); }
  [[nodiscard]] double until(clock::time_point t) const { return us(t - began_); }
  /// `stamp`: the clock's count, as another thread or process took it.
  [[nodiscard]] double until(std::int64_t stamp) const { return until(clock::time_point(clock::duration(stamp))); }

 private:
  clock::time_point began_ = clock::now();
};

/// Spins for 10 to 100 us, by a fixed seed: the trials of a series must not fall into step with a timer.
class random_pause {
 public:
  void operator()() {
    const auto until = stopwatch::clock::now() + std::chrono::nanoseconds(10'000 + random_() % 90'000);
    while (stopwatch::clock::now() < until) {
    }
  }

 private:
  std::mt19937 random_{1};
};

}  // namespace workit::bench
