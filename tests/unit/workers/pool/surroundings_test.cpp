// What an operator gives a host holds for its workers: niceness, policy, processors, and a command line to know them
// by.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "pool_host.hpp"

namespace workit::test {
namespace {

int own_nice() { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid))); }
int own_policy() { return ::sched_getscheduler(0); }

int nice_of_main() { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::getpid())); }

/// For this process's main thread, on which tests run.
bool set_policy(int policy, int priority = 0) {
  const sched_param param{.sched_priority = priority};
  return ::sched_setscheduler(0, policy, &param) == 0;
}

TEST(Surroundings, OfAHostThatIsNiceAreItsWorkers) {
  const int before = nice_of_main();
  ASSERT_EQ(::setpriority(PRIO_PROCESS, 0, std::max(before, 5)), 0);
  {
    pool_host host({.workers = 1, .spares = 0});
    EXPECT_GE(nice_of_main(), 5);
    EXPECT_EQ(host.call(own_nice), nice_of_main());
  }
  ::setpriority(PRIO_PROCESS, 0, before);
}

TEST(Surroundings, OfAHostInTheBackgroundAreItsWorkers) {
  for (const int policy : {SCHED_BATCH, SCHED_IDLE}) {
    ASSERT_TRUE(set_policy(policy));
    {
      pool_host host({.workers = 1, .spares = 0});
      EXPECT_EQ(host.call(own_policy), policy);
    }
    if (!set_policy(SCHED_OTHER)) GTEST_SKIP() << "a process that may not leave SCHED_IDLE has the rest of them in it";
  }
  pool_host host({.workers = 1, .spares = 0});
  EXPECT_EQ(host.call(own_policy), SCHED_OTHER) << "the control";
}

// A worker that spins at a real-time priority would keep the warden from stopping it.
TEST(Surroundings, OfAHostWithARealTimePolicyAreNotItsWorkers) {
  if (!set_policy(SCHED_RR, 1)) GTEST_SKIP() << "this process may not have a real-time policy";
  {
    pool_host host({.workers = 1, .spares = 0});
    EXPECT_EQ(own_policy(), SCHED_RR);
    EXPECT_EQ(host.call(own_policy), SCHED_OTHER);
  }
  EXPECT_TRUE(set_policy(SCHED_OTHER));
}

// A library pins the main thread in its constructor, before any of the program's own code runs.
TEST(Surroundings, AreTheProcessorsOfTheProcessThoughItsMainThreadIsPinned) {
  cpu_set_t all;
  ASSERT_EQ(::sched_getaffinity(0, sizeof all, &all), 0);
  const int cpus = CPU_COUNT(&all);
  if (cpus < 2) GTEST_SKIP() << "there is one processor only";
  FILE* const output = ::popen(WORKIT_PINNED_HOST, "r");
  ASSERT_NE(output, nullptr);
  int main_thread = 0, worker = 0, io = 0, task = 0, workers = 0;
  EXPECT_EQ(std::fscanf(output, "%d %d %d %d %d", &main_thread, &worker, &io, &task, &workers), 5);
  EXPECT_EQ(::pclose(output), 0);
  EXPECT_EQ(main_thread, 1) << "the control: it was pinned";
  EXPECT_EQ(worker, cpus);
  EXPECT_EQ(io, cpus);
  if (task != 0) {
    EXPECT_EQ(task, cpus);
  }
  EXPECT_GE(workers, 1);
  EXPECT_LE(workers, cpus);
}

std::string own_command_line() {
  std::ifstream file("/proc/self/cmdline");
  std::string line{std::istreambuf_iterator<char>(file), {}};
  std::ranges::replace(line, '\0', ' ');
  return line;
}

TEST(Surroundings, AWorkersCommandLineNamesItsPoolAndItsProgram) {
  pool_host host({.name = "rank the documents", .workers = 1, .spares = 0});
  const auto line = host.call(own_command_line);
  const auto wanted = "workit-worker pool=rank the documents program=" + std::string(::program_invocation_short_name);
  EXPECT_TRUE(line.starts_with(wanted)) << line;
}

}  // namespace
}  // namespace workit::test
