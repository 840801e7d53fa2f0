// time_span: a length of time as options and functions take it, of any unit, saturating.
#pragma once

#include <type_traits>
#include <workit/base/clock.hpp>

namespace workit {

namespace detail {

template <class>
inline constexpr bool is_a_length_of_time = false;
template <class N>
concept number = std::is_arithmetic_v<N>;

/// `count` periods of `num/den` seconds in nanoseconds; what lies beyond a duration becomes its nearest end, and what
/// is not a number becomes zero.
template <class Rep, std::intmax_t num, std::intmax_t den>
constexpr duration saturated(const Rep& count) noexcept {
  constexpr std::intmax_t longest = duration::max() / std::chrono::seconds(1);
  constexpr std::intmax_t second = std::nano::den;
  if constexpr (std::is_integral_v<Rep> && num / den > longest) {
    return count > 0 ? duration::max() : count < 0 ? duration::min() : duration::zero();
  } else if constexpr (std::is_integral_v<Rep>) {
    __extension__ using wide = __int128;
    using factor = std::ratio_multiply<std::ratio<num, den>, std::ratio<second>>;
    const wide ns = static_cast<wide>(count) * factor::num / factor::den;
    return ns > duration::max().count()   ? duration::max()
           : ns < duration::min().count() ? duration::min()
                                          : duration(static_cast<duration::rep>(ns));
  } else {
    const long double ns = static_cast<long double>(count) * num * second / den;
    if (ns != ns) return duration::zero();
    return ns >= 0x1p63L    ? duration::max()
           : ns <= -0x1p63L ? duration::min()
                            : duration(static_cast<duration::rep>(ns));
  }
}

}  // namespace detail

/// Any std::chrono::duration converts to it by itself: `.deadline = 2ms`, `timeout(std::chrono::hours(1), f)`. One that
/// is longer than a duration of nanoseconds can be, which are 292 years, is the longest: hours::max() is for ever.
/// A number that is none (NaN) is zero. A time without a unit does not compile. Reads as a duration.
/// Threads: as any value.
class time_span {
 public:
  /// Zero.
  constexpr time_span() noexcept = default;
  constexpr time_span(duration d) noexcept : value_(d) {}  // NOLINT: a duration is one
  template <class Rep, class Period>
  constexpr time_span(const std::chrono::duration<Rep, Period>& d) noexcept  // NOLINT: so is one of another unit
      : value_(detail::saturated<Rep, Period::num, Period::den>(d.count())) {}
  /// For the sentence.
  template <detail::number Number>
  constexpr time_span(Number) noexcept {  // NOLINT: what is given without a unit comes here
    static_assert(detail::is_a_length_of_time<Number>,
                  "workit: a time needs its unit: 100ms or std::chrono::milliseconds(100), not 100");
  }

  constexpr operator duration() const noexcept { return value_; }  // NOLINT: reads as one

  friend constexpr auto operator<=>(time_span, time_span) noexcept = default;

 private:
  duration value_{};
};

}  // namespace workit
