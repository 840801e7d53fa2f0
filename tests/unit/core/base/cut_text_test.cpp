// Texts that are cut where they do not fit.
#include <gtest/gtest.h>

#include <workit/base/detail/cut_text.hpp>

namespace workit::detail {
namespace {

TEST(CutText, SaysHowLongItWas) {
  EXPECT_EQ(cut_text(std::string(64, 'x'), 64), std::string(64, 'x')) << "the control: it fits";
  EXPECT_EQ(cut_text(std::string(65, 'x'), 64), std::string(38, 'x') + "... (cut: 65 bytes in all)");
}

TEST(CutText, PartsNoCharacter) {
  std::string text(37, 'x');
  text += "\xC3\xA4" + std::string(30, 'x');
  EXPECT_EQ(cut_text(text, 64), std::string(37, 'x') + "... (cut: 69 bytes in all)");
}

}  // namespace
}  // namespace workit::detail
