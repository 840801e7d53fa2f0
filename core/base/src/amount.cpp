// amount: decimals in and out, without rounding.
#include <workit/base/amount.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <workit/base/errors.hpp>

#include <workit/base/detail/check_option.hpp>
#include <workit/base/detail/number_text.hpp>

namespace workit {
namespace {

__extension__ using wide = __int128;

constexpr auto powers_of_ten = [] {
  std::array<std::int64_t, amount::most_digits + 1> powers{1};
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}();

std::int64_t power_of_ten(unsigned digits) {
  WORKIT_CHECK_OPTION(digits <= amount::most_digits, "an amount was asked for with " + std::to_string(digits) +
                                                         " decimal digits; it may have 0 to 18");
  return powers_of_ten[digits];
}

/// The shortest decimal that reads back as `number` (std::to_chars promises that).
template <class Floating>
std::string shortest(Floating number) {
  constexpr Floating largest = 1e18F;  // more does not fit, and would be hundreds of characters
  if (!std::isfinite(number) || std::signbit(number) || number > largest) {
    if (number == 0) return "0";
    throw invalid_amount(detail::number_text(number));
  }
  std::array<char, 400> text{};  // the smallest double has 324 digits after the point
  const auto end = std::to_chars(text.begin(), text.end(), number, std::chars_format::fixed).ptr;
  return {text.begin(), end};
}

}  // namespace

void amount::refuse(const std::string& given) { throw invalid_amount(given); }

amount::amount(double decimal) : amount(std::string_view(shortest(decimal))) {}
amount::amount(float decimal) : amount(std::string_view(shortest(decimal))) {}

amount::amount(std::string_view decimal) {
  const auto point = decimal.find('.');
  const auto fraction = point == std::string_view::npos ? std::string_view() : decimal.substr(point + 1);
  if (fraction.size() > most_digits || (point != std::string_view::npos && fraction.empty()))
    refuse(std::string(decimal));
  digits_ = static_cast<std::uint8_t>(fraction.size());
  const auto whole = decimal.substr(0, point);
  std::string figures{whole};
  figures += fraction;
  const auto* const end = figures.data() + figures.size();
  const auto read = std::from_chars(figures.data(), end, units_);
  if (whole.empty() || whole.front() == '-' || read.ec != std::errc() || read.ptr != end) refuse(std::string(decimal));
}

amount amount::of_units(std::int64_t units, unsigned digits) {
  power_of_ten(digits);
  if (units < 0) refuse(std::to_string(units));
  amount a;
  a.units_ = units;
  a.digits_ = static_cast<std::uint8_t>(digits);
  return a;
}

std::int64_t amount::in_units(unsigned digits) const {
  if (digits >= digits_) {
    std::int64_t units = 0;
    if (__builtin_mul_overflow(units_, power_of_ten(digits - digits_), &units)) refuse(to_string(*this));
    return units;
  }
  const auto divisor = power_of_ten(digits_ - digits);
  if (units_ % divisor != 0) throw invalid_amount(to_string(*this), digits);
  return units_ / divisor;
}

double amount::approximate() const noexcept {
  return static_cast<double>(units_) / static_cast<double>(powers_of_ten[digits_]);
}

std::strong_ordering operator<=>(const amount& a, const amount& b) noexcept {
  const auto left = static_cast<wide>(a.units_) * powers_of_ten[b.digits_];
  const auto right = static_cast<wide>(b.units_) * powers_of_ten[a.digits_];
  return left < right ? std::strong_ordering::less
                      : (left > right ? std::strong_ordering::greater : std::strong_ordering::equal);
}

std::string to_string(const amount& a) {
  auto text = std::to_string(a.units_);
  if (a.digits_ == 0) return text;
  if (text.size() <= a.digits_) text.insert(0, a.digits_ + 1 - text.size(), '0');
  return text.insert(text.size() - a.digits_, 1, '.');
}

}  // namespace workit
