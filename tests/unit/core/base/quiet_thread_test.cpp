// start_quiet_thread: a thread that blocks all signals, and a caller whose mask stays as it was.
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <system_error>
#include <thread>
#include <vector>
#include <workit/base/quiet_thread.hpp>

#include <workit/base/detail/sanitizers.hpp>

namespace workit {
namespace {

sigset_t mask() {
  sigset_t now;
  pthread_sigmask(SIG_SETMASK, nullptr, &now);
  return now;
}

TEST(QuietThread, BlocksAllSignalsAndItsCallerNone) {
  bool blocked = false;
  start_quiet_thread("quiet", [&] {
    const auto here = mask();
    blocked = sigismember(&here, SIGINT) == 1 && sigismember(&here, SIGTERM) == 1 && sigismember(&here, SIGRTMAX) == 1;
  }).join();
  EXPECT_TRUE(blocked);
  const auto here = mask();
  EXPECT_EQ(sigismember(&here, SIGINT), 0);
}

TEST(QuietThreadDeathTest, ThatCannotBeMadeLeavesTheMaskAsItWas) {
#if defined(WORKIT_ADDRESS_SANITIZER) || defined(WORKIT_THREAD_SANITIZER)
  GTEST_SKIP() << "a sanitizer needs terabytes of addresses";
#endif
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        long pages = 0;
        std::ifstream("/proc/self/statm") >> pages;
        const auto used = static_cast<rlim_t>(pages) * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE));
        rlimit tight = {};
        tight.rlim_cur = tight.rlim_max = used + (1 << 20);  // a stack takes eight times that
        ::setrlimit(RLIMIT_AS, &tight);
        try {
          start_quiet_thread("quiet", [] {}).join();
          ::_exit(2);  // the control failed: there was room
        } catch (const std::system_error&) {
          const auto here = mask();
          ::_exit(sigismember(&here, SIGINT) == 0 && sigismember(&here, SIGTERM) == 0 ? 0 : 1);
        }
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace workit
