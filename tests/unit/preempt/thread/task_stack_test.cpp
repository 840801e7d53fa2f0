// task_stack: the bounds of a guarded stack, and which of its pages can be touched.
#include "task_stack.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <utility>
#include <workit/base/unique_fd.hpp>

namespace workit::test {
namespace {

using preempt::guarded_stack;

std::size_t page() { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }

/// Whether that byte can be read: the kernel answers EFAULT where a load would raise SIGSEGV.
bool is_readable(std::uintptr_t at) {
  const unique_fd null(open("/dev/random", O_WRONLY | O_CLOEXEC));
  return write(null.get(), reinterpret_cast<const void*>(at), 1) == 1;
}

TEST(TaskStack, HasAtLeastTheBytesAskedForAndAGuardPageBelow) {
  const guarded_stack stack(3 * page() + 1);
  const auto [low, high] = stack.bounds();
  EXPECT_EQ(high - low, 4 * page());
  EXPECT_EQ(high, reinterpret_cast<std::uintptr_t>(stack.top()));
  std::memset(reinterpret_cast<void*>(low), 1, high - low);
  EXPECT_TRUE(is_readable(low));
  EXPECT_TRUE(is_readable(high - 1));
  EXPECT_FALSE(is_readable(low - 1)) << "an overflow would run into other memory";
}

TEST(TaskStack, AForbiddenOneCannotBeTouched) {
  guarded_stack stack(page());
  ASSERT_TRUE(is_readable(stack.bounds().low));
  stack.forbid();
  EXPECT_FALSE(is_readable(stack.bounds().low));
  EXPECT_FALSE(is_readable(stack.bounds().high - 1));
}

TEST(TaskStack, MovesItsMemory) {
  guarded_stack first(page()), second(2 * page());
  const auto low = first.bounds().low, other = second.bounds().low;
  std::swap(first, second);
  EXPECT_EQ(second.bounds().low, low);
  EXPECT_EQ(first.bounds().low, other);
  EXPECT_EQ(second.bounds().high - low, page());
  { const auto taken = std::move(second); }
  EXPECT_FALSE(is_readable(low)) << "it is unmapped with its owner";
  EXPECT_TRUE(is_readable(other));
}

}  // namespace
}  // namespace workit::test
