// stack_switch: onto a stack of our own, back from it by returning, and out of it by a jump.
#include "stack_switch.hpp"

#include <gtest/gtest.h>
#include <immintrin.h>

#include <cfenv>
#include <cstdint>

#include "task_stack.hpp"

namespace workit::test {
namespace {

class StackSwitch : public testing::Test {
 protected:
  StackSwitch() { preempt::measure_vector_state(); }
  template <class Body>
  int run(Body body) {
    return preempt::workit_run_on_stack(
        stack.top(), [](void* to) { (*static_cast<Body*>(to))(); }, &body, &own);
  }

  preempt::guarded_stack stack{std::size_t{64} << 10};
  std::uintptr_t own = 0;
};

TEST_F(StackSwitch, RunsAFunctionOnThatStackAndReturns) {
  bool on_stack = false;
  const int left =
      run([&] { on_stack = stack.bounds().has(reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0))); });
  EXPECT_EQ(left, 0);
  EXPECT_TRUE(on_stack);
  EXPECT_NE(own, 0u);
  EXPECT_FALSE(stack.bounds().has(own)) << "the stack pointer of the caller was stored";
}

// A sanitizer would look for the frames that were left.
TEST_F(StackSwitch, LeavesAFunctionWithTheControlWordsAsTheyWere) {
  struct never_ends {
    bool* ended;
    ~never_ends() { *ended = true; }
  };
  bool ended = false;
  ASSERT_EQ(std::fegetround(), FE_TONEAREST);
  const int left = run([&] {
    const never_ends guard{&ended};
    std::fesetround(FE_DOWNWARD);
    preempt::jump_to_landing(own);
  });
  EXPECT_EQ(left, 1);
  EXPECT_FALSE(ended) << "a destructor ran";
  EXPECT_EQ(std::fegetround(), FE_TONEAREST);
  EXPECT_EQ(_MM_GET_ROUNDING_MODE(), _MM_ROUND_NEAREST);
  EXPECT_EQ(run([] {}), 0) << "the stack can be used again";
}

TEST_F(StackSwitch, SavesTheStateThatThisProcessorHas) {
  EXPECT_EQ(preempt::workit_saved_components & 3U, 3U) << "x87 and SSE are there on every x86-64";
  EXPECT_EQ(preempt::workit_has_avx != 0, (preempt::workit_saved_components & 4U) != 0);
  EXPECT_EQ(preempt::workit_has_avx != 0, __builtin_cpu_supports("avx") != 0);
}

}  // namespace
}  // namespace workit::test
