// stack_pool: guarded stacks that are used again.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <set>
#include <support/fixture.hpp>
#include <vector>
#include <workit/fiber/detail/stack_pool.hpp>
#include <workit/scope/runtime.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;
using detail::stack_pool;
using test::manual_runtime;

#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t bytes_here = 4 * stack_pool::stack_bytes;  // its red zones make frames several times as large
#else
constexpr std::size_t bytes_here = stack_pool::stack_bytes;
#endif

class StackPool : public test::runtime_test {};
using StackPoolDeathTest = StackPool;

char* bottom_of(const boost::context::stack_context& stack) { return static_cast<char*>(stack.sp) - stack.size; }

TEST_F(StackPool, GivesStacksThatDoNotOverlapAndAreWritableToTheLastByte) {
  stack_pool pool;
  std::vector<boost::context::stack_context> stacks;
  std::set<char*> bottoms;
  for (int i = 0; i < 40; ++i) {  // more than two slabs
    stacks.push_back(pool.take());
    EXPECT_EQ(stacks.back().size, bytes_here);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(stacks.back().sp) % 16, 0u);
    std::memset(bottom_of(stacks.back()), 0x5a, stacks.back().size);
    bottoms.insert(bottom_of(stacks.back()));
  }
  const char* previous_end = nullptr;
  for (const auto* bottom : bottoms) {
    EXPECT_GT(bottom, previous_end) << "a guard has to lie between";
    previous_end = bottom + bytes_here;
  }
  for (const auto& s : stacks) pool.give_back(s);
}

TEST_F(StackPool, GivesBackWhatWasReturnedLast) {
  stack_pool pool;
  const auto a = pool.take();
  const auto b = pool.take();
  EXPECT_NE(a.sp, b.sp);
  pool.give_back(a);
  EXPECT_EQ(pool.take().sp, a.sp) << "the hottest one first";
  pool.give_back(a);
  pool.give_back(b);
}

TEST_F(StackPoolDeathTest, HasAGuardBelowEachStack) {
  EXPECT_DEATH(
      {
        stack_pool pool;
        *static_cast<volatile char*>(bottom_of(pool.take()) - 1) = 1;
      },
      "");
  // The control arm: one byte above it, nothing happens.
  stack_pool pool;
  const auto stack = pool.take();
  *static_cast<volatile char*>(bottom_of(stack)) = 1;
  pool.give_back(stack);
}

[[gnu::noinline]] int overflow(volatile int& depth) {
  volatile char frame[512];
  depth = depth + 1;
  frame[0] = static_cast<char>(depth);
  return (depth < 0 ? 0 : overflow(depth)) + frame[0];
}

TEST_F(StackPoolDeathTest, EndsTheProcessWhenAFiberOverflowsItsStack) {
  EXPECT_DEATH(manual_runtime().run([](scope&) {
    volatile int depth = 0;
    return overflow(depth);
  }),
               "");
}

TEST_F(StackPoolDeathTest, DroppedWhileAStackIsOutIsMisuse) {
  EXPECT_DEATH(
      {
        stack_pool pool;
        std::ignore = pool.take();
      },
      "a loop ended while a fiber still had its stack");
}

TEST_F(StackPool, LetsAFiberUseMostOfItsStack) {
  manual_runtime rt;
  rt.run([](scope& s) {
    s.spawn([] {
       volatile char big[200 * 1024];
       for (std::size_t i = 0; i < sizeof big; i += 4096) big[i] = 1;
       EXPECT_EQ(big[0], 1);
     }).get();
  });
}

// Stacks in use are told apart by the addresses of a local variable.
std::uintptr_t number_of_stack() {
  char local = 0;
  return reinterpret_cast<std::uintptr_t>(&local) / (stack_pool::stack_bytes + 4096);
}

TEST_F(StackPool, LetsAThousandShortTasksShareAFewStacks) {
  manual_runtime rt;
  std::set<std::uintptr_t> used;
  rt.run([&](scope& s) {
    for (int i = 0; i < 1000; ++i) s.spawn([&] { used.insert(number_of_stack()); });
  });
  EXPECT_LE(used.size(), 2u * 32u) << "tasks that had not started took stacks";
}

TEST_F(StackPool, TakesAStackForEachTaskThatIsParked) {
  manual_runtime rt;
  std::set<std::uintptr_t> used;
  rt.run([&](scope& s) {
    for (int i = 0; i < 200; ++i)
      s.spawn([&](context& ctx) {
        used.insert(number_of_stack());
        ctx.sleep_for(1h);
      });
  });
  EXPECT_GE(used.size(), 190u) << "the control arm: these do need one each";
}

}  // namespace
}  // namespace workit
