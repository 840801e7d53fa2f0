// number_text: numbers that read back as they were, in any locale.
#include <gtest/gtest.h>

#include <bit>
#include <clocale>
#include <cstdlib>
#include <limits>
#include <random>
#include <support/seed.hpp>

#include <workit/base/detail/number_text.hpp>
#include <workit/base/owned_fields.hpp>

namespace workit {
namespace {

using detail::number_text;

TEST(NumberText, IsTheShortestThatReadsBack) {
  EXPECT_EQ(number_text(0.125), "0.125");
  EXPECT_EQ(number_text(5e-324), "5e-324");
  EXPECT_EQ(number_text(-0.0), "-0");
  EXPECT_EQ(number_text(1), "1");
  EXPECT_EQ(number_text(std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(number_text(14462.3, 3), "1.45e+04");
  EXPECT_EQ(number_text(12.345, 3), "12.3");
}

TEST(NumberText, OfAnyDoubleReadsBack) {
  std::mt19937_64 random(test::seed());
  for (int i = 0; i < 100'000; ++i) {
    const auto number = std::bit_cast<double>(random());
    if (number != number) continue;
    ASSERT_EQ(std::strtod(number_text(number).c_str(), nullptr), number) << number_text(number);
  }
}

TEST(NumberText, DoesNotAskTheLocale) {
  const std::string before = std::setlocale(LC_NUMERIC, nullptr);
  bool has_comma = false;
  for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"})
    if (std::setlocale(LC_NUMERIC, name) != nullptr) {
      has_comma = std::to_string(0.5).find(',') != std::string::npos;
      break;
    }
  EXPECT_EQ(number_text(0.125), "0.125");
  EXPECT_EQ(number_text(0.125, 2), "0.12");
  const field given[] = {{"share", 0.125}};
  EXPECT_EQ(keep(given).front().second, "0.125") << (has_comma ? "under a locale with a comma" : "");
  std::setlocale(LC_NUMERIC, before.c_str());
}

}  // namespace
}  // namespace workit
