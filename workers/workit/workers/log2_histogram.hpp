// A histogram of durations in constant space, as precise at a microsecond as at an hour.
#pragma once

#include <array>
#include <cstdint>
#include <workit/base/time_span.hpp>

namespace workit::workers {

/// Each power of two of nanoseconds has four buckets, so that a percentile is off by an eighth at most; below 1 us and
/// beyond 73 minutes there is one bucket each (after HdrHistogram, G. Tene). Threads: a value.
class log2_histogram {
 public:
  void record(time_span d) noexcept;
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] duration sum() const noexcept { return sum_; }
  [[nodiscard]] duration largest() const noexcept { return largest_; }
  /// The duration that `percent` of all do not exceed, 0 to 100; zero when there are none.
  [[nodiscard]] duration percentile(double percent) const noexcept;

 private:
  static constexpr unsigned first_octave = 10;  // 1,024 ns
  static constexpr unsigned octaves = 32;
  static constexpr unsigned parts = 4;  // of an octave
  static constexpr std::size_t buckets = octaves * parts + 2;
  static std::size_t bucket_of(std::uint64_t ns) noexcept;
  /// In the middle of it.
  static std::uint64_t value_of(std::size_t bucket) noexcept;

  std::array<std::uint64_t, buckets> in_{};
  std::uint64_t count_ = 0;
  duration sum_{};
  duration largest_{};
};

}  // namespace workit::workers
