#include <workit/base/unique_function.hpp>

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <string>

namespace workit::detail {
namespace {

using function = unique_function<std::string(int)>;

static_assert(std::is_nothrow_move_constructible_v<function> && std::is_nothrow_move_assignable_v<function>);
static_assert(!std::is_copy_constructible_v<function> && !std::is_copy_assignable_v<function>);

/// A callable of `Size` bytes that counts how many of it are alive.
template <std::size_t Size>
struct counted {
  explicit counted(int& alive) : alive(&alive) { ++alive; }
  counted(counted&& other) noexcept : alive(other.alive), calls(other.calls) { ++*alive; }
  ~counted() { --*alive; }
  std::string operator()(int n) { return std::to_string(n + ++calls); }

  int* alive;
  int calls = 0;
  std::array<char, Size> filling{};
};

template <class Callable>
void lives_once_and_ends() {
  int alive = 0;
  {
    function first = Callable(alive);
    EXPECT_EQ(alive, 1);
    EXPECT_EQ(first(10), "11");
    function second = std::move(first);
    EXPECT_FALSE(first);
    EXPECT_EQ(alive, 1);
    EXPECT_EQ(second(10), "12") << "its state moved with it";
    function third = Callable(alive);
    third = std::move(second);
    EXPECT_EQ(alive, 1);
    EXPECT_EQ(third(10), "13");
  }
  EXPECT_EQ(alive, 0);
}

TEST(UniqueFunction, MovesASmallCallableAndEndsItOnce) { lives_once_and_ends<counted<4>>(); }
TEST(UniqueFunction, MovesALargeCallableAndEndsItOnce) { lives_once_and_ends<counted<200>>(); }

TEST(UniqueFunction, KeepsWhatCannotBeCopied) {
  function f = [owned = std::make_unique<int>(41)](int n) { return std::to_string(*owned + n); };
  EXPECT_EQ(f(1), "42");
}

TEST(UniqueFunction, KeepsASmallCallableInPlace) {
  const void* here = nullptr;
  unique_function<void()> f = [&here, self = std::array<const void*, 2>{}] { here = &self; };
  f();
  const auto* from = reinterpret_cast<const std::byte*>(&f);
  EXPECT_TRUE(here >= from && here < from + sizeof f);
}

TEST(UniqueFunction, LetsAnExceptionOut) {
  unique_function<void()> f = [] { throw std::runtime_error("boom"); };
  EXPECT_THROW(f(), std::runtime_error);
}

}  // namespace
}  // namespace workit::detail
