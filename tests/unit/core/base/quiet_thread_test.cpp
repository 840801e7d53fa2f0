// start_quiet_thread: a thread that blocks all signals, and a caller whose mask stays as it was.
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <string>
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
  bool blocked = false, fault_is_blocked = true;
  start_quiet_thread("quiet", [&] {
    const auto here = mask();
    blocked = sigismember(&here, SIGINT) == 1 && sigismember(&here, SIGTERM) == 1 && sigismember(&here, SIGRTMAX) == 1;
    fault_is_blocked = sigismember(&here, SIGSEGV) == 1;
  }).join();
  EXPECT_TRUE(blocked);
  EXPECT_FALSE(fault_is_blocked) << "its handler would not hear of it";
  const auto here = mask();
  EXPECT_EQ(sigismember(&here, SIGINT), 0);
}

std::string own_name() {
  char name[16] = {};
  pthread_getname_np(pthread_self(), name, sizeof name);
  return name;
}

TEST(QuietThread, HasItsOwnNameThoughNoDescriptorIsLeft) {
#if defined(WORKIT_ADDRESS_SANITIZER)
  GTEST_SKIP() << "without a descriptor UBSan, which opens a pipe to look at an object's type, takes it for invalid";
#endif
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  std::string named, unnamed;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  start_quiet_thread("workit-warden", [&] {
    start_quiet_thread("workit-task", [&] { named = own_name(); }).join();
    std::thread([&] { unnamed = own_name(); }).join();
  }).join();
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(named, "workit-task");
  EXPECT_EQ(unnamed, "workit-warden") << "the control: a thread is born with the name of the one that makes it";
}

int own_cpus() {
  cpu_set_t now;
  return ::sched_getaffinity(0, sizeof now, &now) == 0 ? CPU_COUNT(&now) : -1;
}

TEST(QuietThread, RunsWhereTheProcessMayThoughItsCallerIsPinned) {
  const int all = own_cpus();
  if (all < 2) GTEST_SKIP() << "there is one processor only";
  int quiet = 0, plain = 0;
  std::thread([&] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<std::size_t>(::sched_getcpu()), &one);
    ::sched_setaffinity(0, sizeof one, &one);
    start_quiet_thread("quiet", [&] { quiet = own_cpus(); }).join();
    std::thread([&] { plain = own_cpus(); }).join();
  }).join();
  EXPECT_EQ(quiet, all);
  EXPECT_EQ(plain, 1) << "the control";
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
