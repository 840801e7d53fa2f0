// The limits of a task, set and taken back in this process.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <new>
#include <system_error>
#include <task_limits.hpp>

namespace workit::workers {
namespace {

std::atomic<std::uint32_t> note{0};
std::atomic<std::uint64_t> cpu_end{0};

rlimit now(__rlimit_resource which) {
  rlimit limit{};
  ::getrlimit(which, &limit);
  return limit;
}

class TaskLimits : public testing::Test {
 protected:
  TaskLimits() { note = 0; }
  ~TaskLimits() override {
    EXPECT_FALSE(limits_.begin({}, 10, cpu_end));
    limits_.end();
    std::set_new_handler(handler_before_);
  }

  template <class E>
  std::optional<resource> blame_for(const E& thrown) {
    try {
      throw thrown;
    } catch (...) {
      return limits_.blame();
    }
  }

  const std::new_handler handler_before_ = std::get_new_handler();
  task_limits limits_{{}, note};
};

TEST_F(TaskLimits, OfFilesAndMemoryCountFromWhatTheWorkerHas) {
  const auto files = now(RLIMIT_NOFILE);
  EXPECT_FALSE(limits_.begin({.memory = std::uint64_t{1} << 40, .files = 5}, 10, cpu_end));
  EXPECT_EQ(now(RLIMIT_NOFILE).rlim_cur, 15U);
  EXPECT_GT(now(RLIMIT_DATA).rlim_cur, std::uint64_t{1} << 40);
  EXPECT_NE(now(RLIMIT_DATA).rlim_cur, RLIM_INFINITY);
  EXPECT_FALSE(limits_.begin({}, 10, cpu_end));
  EXPECT_EQ(now(RLIMIT_NOFILE).rlim_cur, files.rlim_cur) << "the next task has what there was";
  EXPECT_EQ(now(RLIMIT_DATA).rlim_cur, now(RLIMIT_DATA).rlim_max);
}

TEST_F(TaskLimits, OfFilesDoNotCountWhatEarlierTasksHaveLeftOpen) {
  EXPECT_FALSE(limits_.begin({.files = 5}, 10, cpu_end));
  EXPECT_FALSE(limits_.begin({.files = 5}, 30, cpu_end));
  EXPECT_EQ(now(RLIMIT_NOFILE).rlim_cur, 35U);
  EXPECT_EQ(limits_.begin({.files = 5}, ~0U, cpu_end), "limits.files cannot be kept: /proc/self/fd is not to be read");
}

TEST_F(TaskLimits, OfProcessorTimeEndAtAReadingOfTheClock) {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  EXPECT_FALSE(limits_.begin({.cpu_ns = 3'600'000'000'000}, 10, cpu_end));
  EXPECT_GE(cpu_end.load(), static_cast<std::uint64_t>(used.tv_sec + 3'600) * 1'000'000'000);
  EXPECT_LT(cpu_end.load(), static_cast<std::uint64_t>(used.tv_sec + 7'200) * 1'000'000'000);
}

TEST_F(TaskLimits, AreBlamedForTheExceptionsThatTheyCause) {
  const std::system_error no_file(std::make_error_code(std::errc::too_many_files_open));
  EXPECT_FALSE(limits_.begin({.memory = std::uint64_t{1} << 40, .files = 5}, 10, cpu_end));
  EXPECT_EQ(blame_for(no_file), resource::files);
  EXPECT_EQ(blame_for(std::bad_alloc()), resource::memory);
  EXPECT_EQ(blame_for(std::bad_array_new_length()), std::nullopt) << "no memory would do";
  EXPECT_EQ(blame_for(42), std::nullopt);
  EXPECT_FALSE(limits_.begin({}, 10, cpu_end));
  EXPECT_EQ(blame_for(std::bad_alloc()), std::nullopt) << "memory is not limited";
  EXPECT_EQ(blame_for(no_file), std::nullopt);
}

TEST_F(TaskLimits, ThatCannotBeKeptAreNamed) {
  const auto why = limits_.begin({.stack = 16 * 1024}, 10, cpu_end);
  ASSERT_TRUE(why);
  EXPECT_TRUE(why->starts_with("limits.stack cannot be kept")) << *why;
}

TEST_F(TaskLimits, OfTheStackAreNotedWhenAFaultIsJustBelow) {
  const std::uint64_t size = std::uint64_t{7} << 20;
  EXPECT_FALSE(limits_.begin({.stack = size}, 10, cpu_end));
  const auto floor = end_of_stack() - size;
  record_stack_overflow(reinterpret_cast<void*>(floor + 8));
  EXPECT_EQ(note.load(), 0U) << "within it";
  record_stack_overflow(reinterpret_cast<void*>(floor - (std::uintptr_t{2} << 20)));
  EXPECT_EQ(note.load(), 0U) << "so far below is a wild pointer";
  record_stack_overflow(reinterpret_cast<void*>(floor - 8));
  EXPECT_EQ(note.load(), note_of(resource::stack));
}

}  // namespace
}  // namespace workit::workers
