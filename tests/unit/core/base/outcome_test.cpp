// outcome: a value, an error or a stop.
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <workit/base/errors.hpp>
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

TEST(Outcome, AskedForItsValueWhenCancelledThrowsWhatAGetterOfTheTaskGets) {
  auto o = outcome<int>::of_cancellation(reason::race_lost{5}, "search");
  EXPECT_TRUE(o.is_cancelled());
  EXPECT_EQ(o.error(), nullptr);
  EXPECT_EQ(std::get<reason::race_lost>(o.why()).winner, 5u);
  try {
    std::ignore = std::move(o).value();
    ADD_FAILURE() << "it gave a value that was never returned";
  } catch (const task_cancelled& e) {
    EXPECT_EQ(e.task(), "search");
    EXPECT_EQ(std::get<reason::race_lost>(e.why()).winner, 5u);
    EXPECT_EQ(std::string(e.what()).find("task \"search\" was cancelled: "), 0u) << e.what();
  }
}

TEST(OutcomeDeathTest, HasNoReasonUnlessCancelled) {
  EXPECT_DEATH(std::ignore = outcome<int>::of_value(1).why(),
               "asked why it was cancelled, but it has a value: ask is_cancelled\\(\\) first");
  const auto failed = outcome<int>::of_error(std::make_exception_ptr(std::out_of_range("far")));
  EXPECT_DEATH(std::ignore = failed.why(), "but it is an error");
}

}  // namespace
}  // namespace workit
