// boundary: its names.
#include <gtest/gtest.h>

#include <workit/base/boundary.hpp>

namespace workit {
namespace {

TEST(Boundary, HasAWordForEachOfItsKinds) {
  EXPECT_EQ(to_string(boundary::fiber), "fiber");
  EXPECT_EQ(to_string(boundary::process), "process");
}

TEST(TaskKind, HasAWordForEachOfItsKinds) {
  EXPECT_EQ(to_string(task_kind::io), "io");
  EXPECT_EQ(to_string(task_kind::llm), "llm");
  EXPECT_EQ(to_string(task_kind::tool), "tool");
  EXPECT_EQ(to_string(task_kind::cpu), "cpu");
  EXPECT_EQ(to_string(task_kind::custom), "custom");
}

TEST(Boundary, SaysSoWhenAValueIsNone) {
  EXPECT_EQ(to_string(static_cast<boundary>(250)), "?");
  EXPECT_EQ(to_string(static_cast<task_kind>(250)), "?");
}

}  // namespace
}  // namespace workit
