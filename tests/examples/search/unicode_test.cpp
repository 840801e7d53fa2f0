// code_points, normalized_code_points: any bytes in, code points out.
#include "search/unicode.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace {

using chat::code_points;
using chat::normalized_code_points;

TEST(Unicode, DecodesCharactersOfEveryLength) {
  EXPECT_EQ(code_points("a\u00E9\u2581\U0001F639"), U"a\u00E9\u2581\U0001F639");
}

TEST(Unicode, KeepsANulByte) { EXPECT_EQ(code_points(std::string_view("a\0b", 3)), std::u32string_view(U"a\0b", 3)); }

TEST(Unicode, ReplacesInvalidBytes) {
  EXPECT_EQ(code_points("a\xFFz"), U"a\uFFFDz");
  EXPECT_EQ(code_points("a\xE2\x96"), U"a\uFFFD") << "cut off in a character";
  EXPECT_EQ(code_points("\xC0\x80").find(U'\0'), std::u32string::npos) << "an overlong NUL is no NUL";
  EXPECT_EQ(code_points("\xED\xA0\x80").front(), U'\uFFFD') << "a surrogate is no character";
}

TEST(Unicode, NormalizesToTheCompatibleComposedForm) {
  EXPECT_EQ(normalized_code_points("c\u0327a"), U"\u00E7a");
  EXPECT_EQ(normalized_code_points("\uFB01\u00A0\u2460"), U"fi 1");
  EXPECT_EQ(code_points("\uFB01"), U"\uFB01") << "code_points leaves it alone";
}

TEST(Unicode, NormalizesLongTextAsShort) {
  std::string text;
  std::u32string expected;
  for (int i = 0; i < 5000; ++i) {
    text += "xe\u0301";
    expected += U"x\u00E9";
  }
  EXPECT_EQ(normalized_code_points(text), expected) << "no part ends between a letter and its accent";
}

TEST(Unicode, OrdersAWallOfCombiningMarksInLinearTime) {
  std::string wall = "a";
  for (int i = 0; i < 250'000; ++i) wall += "\u0301\u0316";  // 1 MB; two classes that want to change places
  const auto start = std::chrono::steady_clock::now();
  EXPECT_GE(normalized_code_points(wall).size(), 400'000U);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10)) << "in one part it takes minutes";
}

}  // namespace
