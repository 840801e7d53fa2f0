#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <workit/base/outcome.hpp>

namespace workit {
namespace {

static_assert(std::is_same_v<decltype(std::declval<outcome<int&>>().value()), int&>);
static_assert(std::is_same_v<decltype(std::declval<outcome<const int&>>().value()), const int&>);
static_assert(std::is_void_v<decltype(std::declval<outcome<void>>().value())>);
static_assert(std::is_nothrow_move_constructible_v<outcome<int>>);
static_assert(!std::is_copy_constructible_v<outcome<std::unique_ptr<int>>>);

TEST(Outcome, HoldsAValue) {
  auto o = outcome<std::string>::of_value("forty-two");
  EXPECT_TRUE(o.has_value());
  EXPECT_FALSE(o.is_error());
  EXPECT_FALSE(o.is_cancelled());
  EXPECT_EQ(o.error(), nullptr);
  EXPECT_EQ(std::move(o).value(), "forty-two");
}

TEST(Outcome, MovesAMoveOnlyValueOut) {
  auto o = outcome<std::unique_ptr<int>>::of_value(std::make_unique<int>(7));
  const std::unique_ptr<int> value = std::move(o).value();
  EXPECT_EQ(*value, 7);
}

TEST(Outcome, HoldsAReferenceToTheVeryObject) {
  int object = 1;
  auto o = outcome<int&>::of_value(&object);
  int& same = std::move(o).value();
  EXPECT_EQ(&same, &object);
}

TEST(Outcome, HoldsVoid) {
  auto o = outcome<void>::of_value({});
  EXPECT_TRUE(o.has_value());
  std::move(o).value();
}

TEST(Outcome, RethrowsTheErrorObjectItself) {
  const auto error = std::make_exception_ptr(std::out_of_range("far"));
  auto o = outcome<int>::of_error(error);
  EXPECT_TRUE(o.is_error());
  EXPECT_EQ(o.error(), error);
  EXPECT_THROW(std::move(o).value(), std::out_of_range);
}

TEST(Outcome, ToldForItsValueWhenCancelledRefuses) {
  auto o = outcome<int>::of_cancellation(reason::race_lost{5});
  EXPECT_TRUE(o.is_cancelled());
  EXPECT_EQ(o.error(), nullptr);
  EXPECT_EQ(std::get<reason::race_lost>(o.why()).winner, 5u);
  EXPECT_THROW(std::move(o).value(), std::bad_variant_access);
}

TEST(Outcome, HasNoReasonUnlessCancelled) {
  EXPECT_THROW(std::ignore = outcome<int>::of_value(1).why(), std::bad_variant_access);
}

}  // namespace
}  // namespace workit
