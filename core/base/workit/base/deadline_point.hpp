// deadline_point: an instant by which something has to have happened, or never.
#pragma once

#include <compare>
#include <workit/base/time_span.hpp>

namespace workit {

namespace detail {
template <class Clock>
inline constexpr bool is_monotonic = false;
template <>
inline constexpr bool is_monotonic<std::chrono::steady_clock> = true;
}  // namespace detail

/// A point in monotonic time, or "never". Nests by `min`: the earlier one rules. It lies on or after the clock's
/// beginning, so that the time between it and any other instant is a duration: what is further back has passed as well.
class deadline_point {
 public:
  /// Never.
  constexpr deadline_point() noexcept = default;
  /// At `at`, of whatever precision; saturating, as a time_span is.
  template <class Clock, class Precision>
  constexpr deadline_point(const std::chrono::time_point<Clock, Precision>& at) noexcept  // NOLINT: an instant is one
      : deadline_point(time_point{time_span(at.time_since_epoch())}) {
    static_assert(detail::is_monotonic<Clock>,
                  "workit: a deadline is an instant of std::chrono::steady_clock; the wall clock jumps");
  }
  constexpr deadline_point(time_point at) noexcept
      : at_(at < time_point{} ? time_point{} : at) {}  // NOLINT: and so is this
  /// `after` from `now`, saturating at never: an enormous duration does not wrap round into the past.
  static constexpr deadline_point in(time_span after, time_point now) noexcept {
    if (after >= time_point::max() - now) return deadline_point{};
    return deadline_point{now + duration(after)};
  }

  [[nodiscard]] constexpr bool is_never() const noexcept { return at_ == time_point::max(); }
  [[nodiscard]] constexpr time_point at() const noexcept { return at_; }
  [[nodiscard]] constexpr bool passed(time_point now) const noexcept { return !is_never() && now >= at_; }
  /// Time left, zero once passed, duration::max() for never.
  [[nodiscard]] constexpr duration remaining(time_point now) const noexcept {
    if (is_never()) return duration::max();
    return now < at_ ? at_ - now : duration::zero();
  }
  /// Time since it passed, zero before that.
  [[nodiscard]] constexpr duration overdue(time_point now) const noexcept {
    return at_ < now ? now - at_ : duration::zero();
  }

  friend constexpr auto operator<=>(deadline_point, deadline_point) noexcept = default;

 private:
  time_point at_ = time_point::max();
};

}  // namespace workit
