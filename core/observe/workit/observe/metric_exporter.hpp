// metric_exporter: lets only measurements with allowed labels through to a sink, and counts the others.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <workit/observe/label_policy.hpp>

namespace workit {

/// Threads: any, at once. Lifetime: nothing of a point is kept.
class metric_exporter {
 public:
  using sink = std::function<void(const metric_point&)>;

  /// Errors: asserts that there is a sink.
  metric_exporter(label_policy policy, sink to);
  metric_exporter(const metric_exporter&) = delete;
  metric_exporter& operator=(const metric_exporter&) = delete;

  /// Hands the point to the sink if the policy allows it. What the sink throws is counted, not thrown.
  /// Blocks: as the sink does.
  label_policy::verdict record(const metric_point& point);

  [[nodiscard]] std::uint64_t exported() const noexcept { return exported_.load(std::memory_order_relaxed); }
  /// How many the sink failed to take.
  [[nodiscard]] std::uint64_t failed() const noexcept { return failed_.load(std::memory_order_relaxed); }
  /// How many the policy did not allow, in all and for each of its reasons.
  [[nodiscard]] std::uint64_t rejected() const noexcept;
  [[nodiscard]] std::uint64_t rejected(label_policy::verdict because) const noexcept;

 private:
  static constexpr std::size_t verdicts = static_cast<std::size_t>(label_policy::verdict::repeated_label) + 1;

  const label_policy policy_;
  const sink to_;
  std::atomic<std::uint64_t> exported_{0};
  std::atomic<std::uint64_t> failed_{0};
  std::array<std::atomic<std::uint64_t>, verdicts> rejected_{};
};

}  // namespace workit
