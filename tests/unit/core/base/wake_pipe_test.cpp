// wake_pipe: wakes its reader, whatever those do who can write to it.
#include <workit/base/detail/wake_pipe.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <support/descriptor_balance.hpp>
#include <vector>

namespace workit::test {
namespace {

using detail::wake_pipe;

class WakePipe : public descriptor_balance {
 protected:
  static bool is_readable(const wake_pipe& pipe) {
    pollfd wanted{pipe.get(), POLLIN, 0};
    return ::poll(&wanted, 1, 0) == 1;
  }
  static bool write_to(int descriptor) {
    const std::uint64_t one = 1;
    return ::write(descriptor, &one, sizeof one) == sizeof one;
  }
};

TEST_F(WakePipe, IsReadableFromAWriteUntilItIsDrained) {
  auto pipe = wake_pipe::make();
  ASSERT_TRUE(pipe);
  EXPECT_FALSE(is_readable(pipe));
  EXPECT_FALSE(pipe.drain());
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(write_to(pipe.writing()));
  EXPECT_TRUE(is_readable(pipe));
  EXPECT_TRUE(pipe.drain());
  EXPECT_FALSE(is_readable(pipe)) << "all of them at once";
}

TEST_F(WakePipe, ThatIsFullIsReadableAndItsWritersDoNotBlock) {
  auto pipe = wake_pipe::make();
  while (write_to(pipe.writing())) {
  }
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_TRUE(pipe.drain());
  EXPECT_TRUE(write_to(pipe.writing()));
}

// The writer has made room for a mebibyte: a process that writes as fast as it is read would hold the reader for ever.
TEST_F(WakePipe, TakesABoundedPartAtOnceAndStaysReadable) {
  auto pipe = wake_pipe::make();
  ASSERT_GT(::fcntl(pipe.writing(), F_SETPIPE_SZ, 1 << 20), 256 * 1024);
  const std::vector<char> much(256 * 1024);
  ASSERT_EQ(::write(pipe.writing(), much.data(), much.size()), static_cast<ssize_t>(much.size()));
  int parts = 0;
  for (; is_readable(pipe); ++parts) EXPECT_TRUE(pipe.drain());
  EXPECT_EQ(parts, 4);
}

TEST_F(WakePipe, IsNeitherDrainedNorMadeToBlockThroughItsWritingEnd) {
  auto pipe = wake_pipe::make();
  ASSERT_TRUE(write_to(pipe.writing()));
  ASSERT_EQ(::fcntl(pipe.writing(), F_SETFL, 0), 0);
  char taken[64];
  EXPECT_LT(::read(pipe.writing(), taken, sizeof taken), 0);
  EXPECT_TRUE(is_readable(pipe));
  EXPECT_TRUE(pipe.drain());
  EXPECT_FALSE(pipe.drain()) << "it would block";
}

TEST_F(WakePipe, IsNotInheritedByOtherPrograms) {
  const auto pipe = wake_pipe::make();
  for (const int end : {pipe.get(), pipe.writing()}) EXPECT_NE(::fcntl(end, F_GETFD) & FD_CLOEXEC, 0);
}

}  // namespace
}  // namespace workit::test
