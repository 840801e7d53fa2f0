// Fields of events: the types of their values.
#include <gtest/gtest.h>

#include <string>
#include <vector>
#include <workit/base/field.hpp>

namespace workit {
namespace {

TEST(Field, KeepsTheKindOfItsValue) {
  const std::string text = "text";
  EXPECT_EQ(std::get<bool>(field("b", true).value), true);
  EXPECT_EQ(std::get<std::int64_t>(field("i", -3).value), -3);
  EXPECT_EQ(std::get<std::uint64_t>(field("u", std::size_t{3}).value), 3U);
  EXPECT_EQ(std::get<double>(field("f", 0.5F).value), 0.5);
  EXPECT_EQ(std::get<std::string_view>(field("s", "literal").value), "literal");
  EXPECT_EQ(std::get<std::string_view>(field("s", text).value).data(), text.data()) << "a view, not a copy";
}

std::size_t count(fields all) { return all.size(); }

TEST(Fields, AreABracedListOrARange) {
  const std::vector<field> made{{"a", 1}, {"b", "x"}, {"c", 2.0}};
  EXPECT_EQ(count({}), 0U);
  EXPECT_TRUE(fields().empty());
  EXPECT_EQ(count({{"a", 1}}), 1U);
  EXPECT_EQ(count({{"a", "b"}, {"c", "d"}}), 2U);
  EXPECT_EQ(count(made), 3U);
  EXPECT_EQ(fields(made)[1].name, "b");
}

}  // namespace
}  // namespace workit
