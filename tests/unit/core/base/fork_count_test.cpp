// How a forked child is told from its parent.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <workit/base/detail/fork_count.hpp>

namespace workit::detail {
namespace {

TEST(ForkCount, IsOneMoreInAChildAndTheSameInItsParent) {
  const auto before = fork_count();
  const pid_t child = ::fork();
  if (child == 0) ::_exit(static_cast<int>(fork_count() - before));
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_EQ(fork_count(), before);
}

}  // namespace
}  // namespace workit::detail
