// log2_histogram: which bucket a duration belongs to, and what a bucket stands for.
#include <workit/workers/log2_histogram.hpp>

#include <algorithm>
#include <bit>
#include <cmath>

namespace workit::workers {

std::size_t log2_histogram::bucket_of(std::uint64_t ns) noexcept {
  if (ns < std::uint64_t{1} << first_octave) return 0;
  const auto octave = static_cast<unsigned>(std::bit_width(ns)) - 1;
  if (octave >= first_octave + octaves) return buckets - 1;
  const auto part = static_cast<unsigned>(ns >> (octave - 2)) & (parts - 1);
  return 1 + (octave - first_octave) * parts + part;
}

std::uint64_t log2_histogram::value_of(std::size_t bucket) noexcept {
  if (bucket == 0) return std::uint64_t{1} << (first_octave - 1);
  const auto octave = first_octave + static_cast<unsigned>(bucket - 1) / parts;
  const auto part = (bucket - 1) % parts;
  const auto width = (std::uint64_t{1} << octave) / parts;
  return (std::uint64_t{1} << octave) + part * width + width / 2;
}

void log2_histogram::record(time_span given) noexcept {
  const auto d = std::max<duration>(given, duration::zero());
  ++in_[bucket_of(static_cast<std::uint64_t>(d.count()))];
  ++count_;
  sum_ += std::min(d, duration::max() - sum_);
  largest_ = std::max(largest_, d);
}

duration log2_histogram::percentile(double percent) const noexcept {
  if (count_ == 0) return duration::zero();
  const auto share = std::clamp(percent, 0.0, 100.0) * static_cast<double>(count_) / 100;
  const auto wanted = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(share)));
  std::uint64_t seen = 0;
  std::size_t bucket = 0;
  while ((seen += in_[bucket]) < wanted) ++bucket;
  if (bucket == buckets - 1) return largest_;
  const std::chrono::nanoseconds middle(static_cast<std::int64_t>(value_of(bucket)));
  return std::min(largest_, std::chrono::duration_cast<duration>(middle));
}

}  // namespace workit::workers
