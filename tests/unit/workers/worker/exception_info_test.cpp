// Exceptions as text.
#include <gtest/gtest.h>

#include <exception_info.hpp>
#include <stdexcept>

namespace workit::workers {
namespace {

template <class E>
exception_info info_of(E thrown) {
  try {
    throw thrown;
  } catch (...) {
    return describe_current_exception();
  }
}

TEST(ExceptionInfo, NamesTypeAndText) {
  const auto info = info_of(std::out_of_range("far"));
  EXPECT_EQ(info.type, "std::out_of_range");
  EXPECT_EQ(info.what, "far");
}

TEST(ExceptionInfo, TakesStringsAsTheirOwnText) {
  EXPECT_EQ(info_of(std::string("a string")).what, "a string");
  EXPECT_EQ(info_of("characters").what, "characters");
  EXPECT_EQ(info_of(static_cast<const char*>(nullptr)).what, "");
}

TEST(ExceptionInfo, SaysThatOthersHaveNone) {
  const auto info = info_of(42);
  EXPECT_EQ(info.type, "int");
  EXPECT_EQ(info.what, "it does not derive from std::exception");
}

}  // namespace
}  // namespace workit::workers
