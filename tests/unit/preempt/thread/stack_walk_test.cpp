// stack_walk: what a walk over the frames of a task finds in the way, and which return it offers.
#include "stack_walk.hpp"

#include <gtest/gtest.h>
#include <search.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <workit/preempt/stoppable_thread.hpp>
#include <workit/preempt/thread_mark.hpp>

#include "code_map.hpp"
#include "stack_switch.hpp"
#include "task_stack.hpp"

namespace workit::test {
namespace {

using preempt::stack_view;

const preempt::stack_bounds* walked_stack = nullptr;
stack_view seen;

/// Stands for an interposed function, by its section: a walk begins at its caller.
[[gnu::section("workit_rt"), gnu::noinline]] void look() {
  seen = preempt::walk_from_here(*walked_stack);
  asm volatile("");  // no tail call
}

class StackWalk : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto& why = preempt::why_unsupported(); !why.empty()) GTEST_SKIP() << why;
    preempt::code_map::refresh();
    bounds = stack.bounds();
    walked_stack = &bounds;
    seen = {};
  }
  void TearDown() override { preempt::this_mark.look = 0; }
  /// What a walk sees that `body` makes by look(), on a stack of a task.
  stack_view seen_by(void (*body)(void*)) {
    preempt::workit_run_on_stack(stack.top(), body, nullptr, &own);
    return seen;
  }

  preempt::guarded_stack stack{std::size_t{256} << 10};
  preempt::stack_bounds bounds;
  std::uintptr_t own = 0;
};

[[gnu::noinline]] int nested(int depth) {
  if (depth > 0) {
    const int below = nested(depth - 1);
    asm volatile("");
    return below + 1;
  }
  look();
  return 0;
}

int look_and_compare(const void* a, const void* b) {
  look();
  return static_cast<const int*>(a)[0] - static_cast<const int*>(b)[0];
}

TEST_F(StackWalk, ATaskWithFramesOfItsOwnMayBeLeft) {
  EXPECT_EQ(seen_by([](void*) { nested(20); }).in_the_way, obstacle::none);
}

TEST_F(StackWalk, ALibrarysFrameIsInTheWayAndItsReturnIsOffered) {
  const auto view = seen_by([](void*) {
    const int items[2] = {1, 2}, key = 2;
    std::size_t count = 2;
    static_cast<void>(lfind(&key, items, &count, sizeof(int), look_and_compare));
    asm volatile("");
  });
  EXPECT_EQ(view.in_the_way, obstacle::foreign_module);
  EXPECT_EQ(std::string(view.module), "libc.so.6");
  ASSERT_NE(view.slot, nullptr);
  EXPECT_TRUE(stack.bounds().has(reinterpret_cast<std::uintptr_t>(view.slot)));
  EXPECT_EQ(preempt::code_map::current()->of(view.returns_to - 1).owner, preempt::code_owner::task);
}

TEST_F(StackWalk, ASorterMayBeLeftOnlyByATaskWhoseSortsAreWatched) {
  const auto sort = [](void*) {
    int items[2] = {2, 1};
    std::qsort(items, 2, sizeof(int), look_and_compare);
    asm volatile("");
  };
  EXPECT_EQ(seen_by(sort).in_the_way, obstacle::foreign_module) << "the control";
  preempt::this_mark.look = preempt::look_sorting;
  EXPECT_EQ(seen_by(sort).in_the_way, obstacle::none);
}

TEST_F(StackWalk, AStackOfTheTasksOwnMakingIsNotLeft) {
  bounds = {1, 2};
  EXPECT_EQ(seen_by([](void*) { nested(1); }).in_the_way, obstacle::other_stack);
}

TEST_F(StackWalk, EndsAtItsDeepestFrame) {
  EXPECT_EQ(seen_by([](void*) { nested(preempt::deepest_walk - 20); }).in_the_way, obstacle::none);
  EXPECT_EQ(seen_by([](void*) { nested(preempt::deepest_walk + 1); }).in_the_way, obstacle::too_deep);
}

}  // namespace
}  // namespace workit::test
