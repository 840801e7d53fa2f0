// deadline_point: an instant by which something has to have happened, or never.
#pragma once

#include <compare>
#include <workit/base/clock.hpp>

namespace workit {

/// A point in monotonic time, or "never". Nests by `min`: the earlier one rules.
class deadline_point {
 public:
  /// Never.
  constexpr deadline_point() noexcept = default;
  /// At `at`.
  constexpr explicit deadline_point(time_point at) noexcept : at_(at) {}
  /// `after` from `now`, saturating at never: an enormous duration does not wrap round into the past.
  static constexpr deadline_point in(duration after, time_point now) noexcept {
    if (after >= time_point::max() - now) return deadline_point{};
    return deadline_point{now + after};
  }

  [[nodiscard]] constexpr bool is_never() const noexcept { return at_ == time_point::max(); }
  [[nodiscard]] constexpr time_point at() const noexcept { return at_; }
  [[nodiscard]] constexpr bool passed(time_point now) const noexcept { return !is_never() && now >= at_; }
  /// Time left, zero once passed, duration::max() for never.
  [[nodiscard]] constexpr duration remaining(time_point now) const noexcept {
    if (is_never()) return duration::max();
    return now < at_ ? at_ - now : duration::zero();
  }
  /// Time since it passed, zero before that; saturating, for an instant that lies further back than a duration reaches.
  [[nodiscard]] constexpr duration overdue(time_point now) const noexcept {
    if (now <= at_) return duration::zero();
    return at_ < now - duration::max() ? duration::max() : now - at_;
  }

  friend constexpr auto operator<=>(deadline_point, deadline_point) noexcept = default;

 private:
  time_point at_ = time_point::max();
};

}  // namespace workit
