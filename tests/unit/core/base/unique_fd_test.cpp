// unique_fd: owns one descriptor.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <workit/base/unique_fd.hpp>

namespace workit {
namespace {

int open_null() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool is_open(int descriptor) { return ::fcntl(descriptor, F_GETFD) >= 0; }

TEST(UniqueFd, ClosesItsDescriptorAtTheEnd) {
  const int descriptor = open_null();
  {
    const unique_fd owner(descriptor);
    EXPECT_TRUE(owner);
    EXPECT_EQ(owner.get(), descriptor);
    EXPECT_TRUE(is_open(descriptor));
  }
  EXPECT_FALSE(is_open(descriptor));
}

TEST(UniqueFd, HandsItsDescriptorOn) {
  const int descriptor = open_null();
  unique_fd first(descriptor);
  unique_fd second(std::move(first));
  EXPECT_FALSE(first);
  first = std::move(second);
  EXPECT_EQ(first.get(), descriptor);
  EXPECT_TRUE(is_open(descriptor));
  first.reset();
  EXPECT_FALSE(first);
  EXPECT_FALSE(is_open(descriptor));
}

TEST(UniqueFd, OwnsNothingWhenTheCallThatMadeItFailed) {
  unique_fd none(-1);
  EXPECT_FALSE(none);
  none.reset();
  EXPECT_FALSE(unique_fd());
}

}  // namespace
}  // namespace workit
