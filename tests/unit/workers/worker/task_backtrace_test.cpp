// The stack of a task: from where it stands to its own first function.
#include <gtest/gtest.h>

#include <task_backtrace.hpp>
#include <workit/workers/detail/task_entry.hpp>

namespace workit::workers {
namespace {

[[gnu::noinline]] int frames_below(int levels, task_frames& to, int skip = 0) {
  if (levels == 0)
    take_backtrace(to, skip);
  else
    frames_below(levels - 1, to, skip);
  asm volatile("");  // no tail call
  return to.count;
}

TEST(TaskEntry, IsTheInnermostOfItsThread) {
  EXPECT_EQ(task_entry::current(), nullptr);
  int outer = 0, inner = 0;
  const task_entry first(&outer);
  {
    const task_entry second(&inner);
    EXPECT_EQ(task_entry::current(), &inner);
  }
  EXPECT_EQ(task_entry::current(), &outer);
}

TEST(TaskBacktrace, EndsWithTheFunctionThatTheEntryCalls) {
  task_frames frames;
  const int whole = frames_below(2, frames);
  EXPECT_GT(whole, 3) << "the control: with what has called it";
  const task_entry here(__builtin_frame_address(0));
  EXPECT_EQ(frames_below(0, frames), 1);
  EXPECT_EQ(frames_below(2, frames), 3);
  EXPECT_EQ(frames_below(2, frames, 2), 1) << "two were skipped";
}

TEST(TaskBacktrace, SaysWhenThereAreFurtherFrames) {
  task_frames frames;
  const task_entry here(__builtin_frame_address(0));
  EXPECT_EQ(frames_below(most_frames - 1, frames), most_frames);
  EXPECT_FALSE(frames.more) << "the control: as many as are told";
  EXPECT_EQ(frames_below(most_frames, frames), most_frames);
  EXPECT_TRUE(frames.more);
  frames_below(2 * most_frames, frames);
  EXPECT_TRUE(frames.more);
}

}  // namespace
}  // namespace workit::workers
