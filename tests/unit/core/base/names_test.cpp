// names: cut where they may come from requests, refused where things are found by them.
#include <gtest/gtest.h>

#include <string>
#include <support/refused.hpp>

#include <workit/base/detail/names.hpp>

namespace workit {
namespace {

using detail::check_name;
using detail::fitted_name;

TEST(Names, StayAsTheyAreUpTo128Bytes) {
  EXPECT_EQ(fitted_name("x"), "x");
  EXPECT_EQ(fitted_name(std::string(128, 'x')), std::string(128, 'x'));
}

TEST(Names, AreCutVisiblyBeyond) {
  EXPECT_EQ(fitted_name(std::string(129, 'x')), std::string(125, 'x') + "...");
  EXPECT_EQ(fitted_name(""), "anonymous");
}

TEST(Names, AreCutBetweenTwoCharactersOfUtf8) {
  for (const std::string character : {"\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"})
    for (std::size_t before = 0; before < 4; ++before) {
      std::string name(before, 'x');
      while (name.size() < 200) name += character;
      const std::string cut = fitted_name(std::string(name));
      ASSERT_LE(cut.size(), detail::longest_name);
      ASSERT_EQ((cut.size() - 3 - before) % character.size(), 0u) << before << " before " << character;
      ASSERT_EQ(cut, name.substr(0, cut.size() - 3) + "...");
    }
  EXPECT_EQ(fitted_name(std::string(200, '\x80')), "...") << "no character begins here";
}

TEST(Names, ByWhichThingsAreFoundAreNotCut) {
  EXPECT_REFUSED(check_name("a key's", ""), "a key's name has 0 characters; it may have 1 to 128");
  EXPECT_REFUSED(check_name("a key's", std::string(129, 'k')), "a key's name has 129 characters");
  check_name("a key's", std::string(128, 'k'));
}

}  // namespace
}  // namespace workit
