// amount: how much of something, as an exact decimal.
#pragma once

#include <compare>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace workit {

/// Zero or more, exact: `units` of 10^-digits, so that a hundred times 0.01 is 1.00. Integers and floating-point
/// numbers convert to it by themselves; a floating-point number stands for the shortest decimal that reads back as it,
/// which is what was written in the source: 0.01 is one hundredth, and 0.1 + 0.2 has seventeen digits.
///
/// Threads: as any value. Errors: invalid_amount for what is negative, not finite, or beyond 2^63 units.
class amount {
 public:
  /// The finest fixed point there is.
  static constexpr unsigned most_digits = 18;

  constexpr amount() noexcept = default;
  template <std::integral I>
    requires(!std::same_as<I, bool>)
  constexpr amount(I whole) : units_(static_cast<std::int64_t>(whole)) {
    if (whole < I{} || !std::in_range<std::int64_t>(whole)) refuse(std::to_string(whole));
  }
  amount(double decimal);
  amount(float decimal);
  /// From text, as in "12" or "0.0125".
  explicit amount(std::string_view decimal);

  /// `units` of 10^-digits: (150, 2) is 1.50. Errors: std::invalid_argument for more than 18 digits.
  [[nodiscard]] static amount of_units(std::int64_t units, unsigned digits);
  /// How many units of 10^-digits it is. Errors: invalid_amount when that is no whole number, or too large.
  [[nodiscard]] std::int64_t in_units(unsigned digits) const;

  /// The nearest double; for plots and metrics, never for sums.
  [[nodiscard]] double approximate() const noexcept;

  /// By value: 1.50 equals 1.5.
  friend std::strong_ordering operator<=>(const amount& a, const amount& b) noexcept;
  friend bool operator==(const amount& a, const amount& b) noexcept { return a <=> b == 0; }

  /// In decimal, with as many digits as it was made with, as in "1.50".
  friend std::string to_string(const amount& a);

 private:
  [[noreturn]] static void refuse(const std::string& given);

  std::int64_t units_ = 0;
  std::uint8_t digits_ = 0;
};

std::string to_string(const amount& a);

}  // namespace workit
