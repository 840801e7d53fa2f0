// context_key and budget_key: names, units and identity.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <support/refused.hpp>
#include <type_traits>
#include <workit/context/budget.hpp>
#include <workit/context/key.hpp>
#include <workit/context/values.hpp>

namespace workit {
namespace {

static_assert(!std::is_copy_constructible_v<context_key<int>> && !std::is_move_constructible_v<context_key<int>>,
              "the object is the key");
static_assert(!std::is_copy_constructible_v<budget_key> && !std::is_move_constructible_v<budget_key>);

TEST(ContextKey, HasANameAndMaybeADefault) {
  const context_key<int> plain("plain");
  const context_key<std::string> with_default("with default", "x");
  EXPECT_EQ(plain.name(), "plain");
  EXPECT_EQ(plain.fallback(), nullptr);
  ASSERT_NE(with_default.fallback(), nullptr);
  EXPECT_EQ(*with_default.fallback(), "x");
}

TEST(ContextKey, IsTheObjectAndNotItsName) {
  const context_key<int> mine("user");
  const context_key<int> theirs("user");
  const auto set = values{}.with(mine, 1);
  EXPECT_EQ(set.find(theirs), nullptr);
  EXPECT_NE(set.find(mine), nullptr);
}

// Where a key died another may be made: it must not be taken for the first, whose value has another type, too.
TEST(ContextKey, IsNotItsAddressEither) {
  alignas(context_key<int>) alignas(context_key<double>)
      std::byte place[std::max(sizeof(context_key<int>), sizeof(context_key<double>))];
  auto* first = std::construct_at(reinterpret_cast<context_key<int>*>(place), "first");
  const auto set = values{}.with(*first, 1);
  EXPECT_NE(set.find(*first), nullptr);
  std::destroy_at(first);
  auto* second = std::construct_at(reinterpret_cast<context_key<double>*>(place), "second");
  EXPECT_EQ(set.find(*second), nullptr);
  std::destroy_at(second);
}

TEST(KeyOptions, HasANameOfOneTo128Characters) {
  const context_key<int> longest(std::string(128, 'k'));
  EXPECT_REFUSED(context_key<int>{""}, "a key's name has 0 characters; it may have 1 to 128");
  EXPECT_REFUSED(context_key<int>(std::string(129, 'k')), "a key's name has 129 characters; it may have 1 to 128");
  EXPECT_REFUSED(budget_key{""}, "a key's name has 0 characters");
}

TEST(BudgetKeyOptions, HasAUnitAndDigitsThatFit) {
  const budget_key widest("widest", {.unit = std::string(32, 'u'), .digits = 12});
  EXPECT_REFUSED(budget_key("b", {.unit = std::string(33, 'u')}),
                 "the unit of budget \"b\" has 33 characters; it may have up to 32");
  EXPECT_REFUSED(budget_key("b", {.digits = 13}), "budget \"b\" counts 13 decimal digits; it may count 0 to 12");
}

}  // namespace
}  // namespace workit
