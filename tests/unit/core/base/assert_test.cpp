// WORKIT_ASSERT: active in every build, with its sentence.
#include <gtest/gtest.h>

#include <workit/base/assert.hpp>

namespace workit {
namespace {

TEST(AssertDeathTest, SaysTheSentenceTheConditionAndThePlace) {
  EXPECT_DEATH(
      WORKIT_ASSERT(1 + 1 == 3, "scope \"checkout\" was closed twice: close it once"),
      "workit: scope \"checkout\" was closed twice: close it once\n.*1 \\+ 1 == 3, at .*assert_test.cpp:[0-9]+");
}

TEST(AssertDeathTest, IsActiveInThisBuildWhateverNdebugSays) { EXPECT_DEATH(WORKIT_ASSERT(false, "misuse"), "misuse"); }

TEST(Assert, BuildsItsSentenceOnlyOnFailure) {
  int built = 0;
  const auto sentence = [&] {
    ++built;
    return std::string("never seen");
  };
  WORKIT_ASSERT(true, sentence());
  EXPECT_EQ(built, 0);
}

TEST(Assert, IsAnExpressionAndEvaluatesItsConditionOnce) {
  int evaluated = 0;
  true ? WORKIT_ASSERT(++evaluated == 1, "counted wrong") : static_cast<void>(0);
  EXPECT_EQ(evaluated, 1);
}

}  // namespace
}  // namespace workit
