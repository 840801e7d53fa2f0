// amount: exact decimals.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <support/refused.hpp>
#include <type_traits>
#include <workit/base/amount.hpp>
#include <workit/base/errors.hpp>

namespace workit {
namespace {

static_assert(std::is_nothrow_default_constructible_v<amount> && std::is_trivially_copyable_v<amount>);
static_assert(std::is_convertible_v<int, amount> && std::is_convertible_v<double, amount>);
static_assert(!std::is_convertible_v<bool, amount>, "a yes is no amount");
static_assert(!std::is_convertible_v<std::string_view, amount>, "text is parsed only on request");

constexpr auto largest = std::numeric_limits<std::int64_t>::max();

TEST(Amount, IsExactWhereDoublesAreNot) {
  std::int64_t sum = 0;
  double control = 0;
  for (int i = 0; i < 100; ++i) {
    sum += amount(0.01).in_units(2);
    control += 0.01;
  }
  EXPECT_EQ(amount::of_units(sum, 2), 1);
  EXPECT_NE(control, 1.0) << "the control arm: doubles drift";
}

TEST(Amount, TakesANumberAsItIsWritten) {
  EXPECT_EQ(to_string(amount(0.01)), "0.01");
  EXPECT_EQ(to_string(amount(0.1F)), "0.1");
  EXPECT_EQ(to_string(amount(1e-12)), "0.000000000001");
  EXPECT_EQ(to_string(amount(1e15)), "1000000000000000");
  EXPECT_EQ(to_string(amount(12.5)), "12.5");
  EXPECT_EQ(to_string(amount(-0.0)), "0");
  EXPECT_EQ(to_string(amount(0.1 + 0.2)), "0.30000000000000004") << "a sum of doubles is what it is";
}

TEST(Amount, TakesEveryInteger) {
  EXPECT_EQ(to_string(amount(std::uint8_t{200})), "200");
  EXPECT_EQ(to_string(amount(std::size_t{7})), "7");
  EXPECT_EQ(to_string(amount(largest)), "9223372036854775807");
}

TEST(Amount, ReadsText) {
  EXPECT_EQ(to_string(amount("0.0125")), "0.0125");
  EXPECT_EQ(to_string(amount("12")), "12");
  for (const char* bad : {"", ".", "1.", ".5", "-1", "-0.5", "+1", "1e3", "1,5", "1.-5", "0x1", " 1", "1 ", "1.2.3",
                          "9223372036854775808", "0.1234567890123456789"})
    EXPECT_THROW(amount{std::string_view(bad)}, invalid_amount) << '"' << bad << '"';
}

TEST(Amount, RefusesWhatCannotBe) {
  EXPECT_THROW(amount(-1), invalid_amount);
  EXPECT_THROW(amount(-0.01), invalid_amount);
  EXPECT_THROW(amount{std::numeric_limits<std::uint64_t>::max()}, invalid_amount);
  EXPECT_THROW(amount{std::numeric_limits<double>::infinity()}, invalid_amount);
  EXPECT_THROW(amount(-std::numeric_limits<double>::infinity()), invalid_amount);
  EXPECT_THROW(amount(std::nan("")), invalid_amount);
  EXPECT_THROW(amount(1e300), invalid_amount);
  EXPECT_THROW(amount{std::numeric_limits<float>::max()}, invalid_amount);
  EXPECT_THROW(amount{std::numeric_limits<double>::denorm_min()}, invalid_amount);
  EXPECT_THROW(static_cast<void>(amount::of_units(-1, 2)), invalid_amount);
}

TEST(Amount, CountsInUnitsOrNotAtAll) {
  EXPECT_EQ(amount(1.5).in_units(2), 150);
  EXPECT_EQ(amount(3).in_units(0), 3);
  EXPECT_EQ(amount("1.50").in_units(1), 15) << "a zero at the end is no digit";
  EXPECT_THROW(static_cast<void>(amount(0.015).in_units(2)), invalid_amount);
  EXPECT_THROW(static_cast<void>(amount(largest).in_units(1)), invalid_amount);
  try {
    static_cast<void>(amount(0.015).in_units(2));
  } catch (const invalid_amount& e) {
    EXPECT_STREQ(e.what(), "an amount of 0.015 is finer than its budget, which counts 2 decimal digits");
  }
}

TEST(Amount, ComparesByValue) {
  EXPECT_EQ(amount("1.50"), amount(1.5));
  EXPECT_LT(amount("1.49"), amount(1.5));
  EXPECT_GT(amount(largest), amount("0.999999999999999999"));
  EXPECT_EQ(amount(), 0);
}

TEST(Amount, PrintsAllItsDigits) {
  EXPECT_EQ(to_string(amount::of_units(100, 2)), "1.00");
  EXPECT_EQ(to_string(amount::of_units(5, 3)), "0.005");
  EXPECT_EQ(to_string(amount::of_units(0, 2)), "0.00");
  EXPECT_DOUBLE_EQ(amount::of_units(150, 2).approximate(), 1.5);
}

TEST(Amount, KnowsNoFinerUnitThanTenToTheMinusEighteen) {
  EXPECT_REFUSED(static_cast<void>(amount(1).in_units(19)), "asked for with 19 decimal digits; it may have 0 to 18");
  EXPECT_REFUSED(static_cast<void>(amount::of_units(1, 19)), "asked for with 19 decimal digits");
}

}  // namespace
}  // namespace workit
