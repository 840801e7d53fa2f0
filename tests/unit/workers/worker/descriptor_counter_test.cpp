// How many descriptors this process has, by one that was opened before.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <descriptor_counter.hpp>

#include <filesystem>
#include <iterator>
#include <workit/base/unique_fd.hpp>

namespace workit::workers {
namespace {

/// The iteration itself has one open.
unsigned listed() {
  return static_cast<unsigned>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {})) - 1;
}

unique_fd open_null() { return unique_fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

TEST(DescriptorCounter, CountsWhatIsOpenHolesOrNot) {
  descriptor_counter counter;
  EXPECT_EQ(counter.count(), ~0U) << "more than any baseline before it was opened";
  counter.open();
  const auto before = counter.count();
  EXPECT_EQ(before, listed());
  auto first = open_null();
  const auto second = open_null();
  EXPECT_EQ(counter.count(), before + 2);
  first.reset();
  EXPECT_EQ(counter.count(), before + 1);
}

TEST(DescriptorCounter, OfAnOlderKernelTakesTheLowestFreeNumber) {
  const auto lowest = descriptor_counter::lowest_free();
  const auto taken = open_null();
  EXPECT_EQ(static_cast<unsigned>(taken.get()), lowest);
  EXPECT_GT(descriptor_counter::lowest_free(), lowest);
}

TEST(DescriptorCounter, WhoseOwnDescriptorIsGoneOrAnotherCountsAsFarTooMany) {
  descriptor_counter counter;
  counter.open();
  const int own = static_cast<int>(descriptor_counter::lowest_free()) - 1;
  ASSERT_LT(counter.count(), ~0U);
  const unique_fd other(::open("/", O_PATH | O_CLOEXEC));
  ASSERT_GE(::dup3(other.get(), own, O_CLOEXEC), 0);
  EXPECT_EQ(counter.count(), ~0U);
}

}  // namespace
}  // namespace workit::workers
