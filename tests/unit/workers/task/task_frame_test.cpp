// One run of a task in this process: its context, its cleanups, its memory, and what came of the call.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <local_call.hpp>
#include <memory_resource>
#include <stdexcept>
#include <task_frame.hpp>
#include <vector>
#include <workit/base/cancelled.hpp>

namespace workit::workers {
namespace {

const std::atomic<std::uint32_t> never{0};

TEST(TaskFrame, IsTheThreadsContextWhileItLives) {
  task_frame outer(never, 1, {});
  EXPECT_EQ(&this_worker_context(), &outer.context());
  {
    task_frame inner(never, 1, {});
    EXPECT_EQ(&this_worker_context(), &inner.context());
  }
  EXPECT_EQ(&this_worker_context(), &outer.context());
}

TEST(TaskFrame, StopsWhenTheWordHasItsNumber) {
  std::atomic<std::uint32_t> asked{6};
  task_frame frame(asked, 7, {});
  EXPECT_FALSE(frame.context().stopping());
  EXPECT_NO_THROW(frame.context().check());
  asked = 7;
  EXPECT_TRUE(frame.context().stopping());
  EXPECT_THROW(frame.context().check(), cancelled);
}

TEST(TaskFrame, RunsItsCleanupsOnceLastFirst) {
  std::vector<int> order;
  {
    task_frame frame(never, 1, {});
    frame.context().defer([&] { order.push_back(1); });
    frame.context().defer([] { throw std::runtime_error("lost"); });
    frame.context().defer([&] { order.push_back(3); });
    frame.finish();
    EXPECT_EQ(order, (std::vector{3, 1}));
  }
  EXPECT_EQ(order.size(), 2U);
}

TEST(TaskFrame, ClosesTheDescriptorsThatItOwns) {
  int owned = -1;
  {
    task_frame frame(never, 1, {});
    owned = frame.context().own(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    EXPECT_GE(::fcntl(owned, F_GETFD), 0);
  }
  EXPECT_EQ(::fcntl(owned, F_GETFD), -1);
}

TEST(TaskFrame, GivesItsMemoryBackAtOnce) {
  task_frame frame(never, 1, {});
  EXPECT_EQ(frame.finish(), 0U) << "none was asked for";
  auto& memory = frame.context().memory();
  EXPECT_EQ(&memory, &frame.context().memory());
  static_cast<void>(memory.allocate(100'000));  // left to the frame
  EXPECT_GE(frame.finish(), 100'000U);
  EXPECT_EQ(frame.finish(), 0U);
}

local_call made(const remote_call& call) {
  local_call result(call);
  local_call::run(&result);
  return result;
}

TEST(LocalCall, HasTheValue) {
  const auto call = make_remote_call([](int a, int b) { return a + b; }, 40, 2);
  auto result = made(call);
  EXPECT_TRUE(result.committed());
  EXPECT_EQ(result.error(), nullptr);
  EXPECT_EQ(read_result<int>(result.take_value()), 42);
}

TEST(LocalCall, HasTheVeryException) {
  const auto call = make_remote_call([] { throw std::out_of_range("far"); });
  const auto result = made(call);
  EXPECT_TRUE(result.committed());
  EXPECT_FALSE(result.gave_up());
  EXPECT_THROW(std::rethrow_exception(result.error()), std::out_of_range);
}

TEST(LocalCall, KnowsThatTheTaskGaveUp) {
  const std::atomic<std::uint32_t> asked{1};
  task_frame frame(asked, 1, {});
  const auto call = make_remote_call([](worker_context& ctx) { ctx.check(); });
  const auto result = made(call);
  EXPECT_TRUE(result.gave_up());
  EXPECT_EQ(result.error(), nullptr);
}

TEST(LocalCall, FailsWhenTheFunctionIsGone) {
  auto call = make_remote_call([] {});
  call.entry.module.build[0] ^= 1;
  const auto result = made(call);
  EXPECT_THROW(std::rethrow_exception(result.error()), start_failed);
}

}  // namespace
}  // namespace workit::workers
