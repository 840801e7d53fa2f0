// sandbox::compute_only: a forbidden call is named, and succeeds without the sandbox.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#include <cmath>
#include <ctime>
#include <numeric>
#include <string_view>
#include <thread>
#include <vector>

#include "../pool/pool_host.hpp"

namespace workit::test {
namespace {

using namespace workers;

bool under_tsan() {
#if defined(__SANITIZE_THREAD__)
  return true;
#else
  return false;
#endif
}

/// A call that the sandbox forbids: 1 when it succeeds.
struct forbidden {
  const char* name;  ///< of the system call
  int (*make)();
};

int close_it(int descriptor) {
  if (descriptor >= 0) close(descriptor);
  return descriptor >= 0 ? 1 : 0;
}

int reap(pid_t child) {
  int status = -1;
  return child > 0 && waitpid(child, &status, 0) == child && status == 0 ? 1 : 0;
}

const forbidden all_forbidden[] = {
    {"openat", [] { return close_it(open("/dev/null", O_RDONLY | O_CLOEXEC)); }},
    {"socket", [] { return close_it(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)); }},
    {"clone",
     [] {
       const auto child = fork();
       if (child == 0) _exit(0);
       return reap(child);
     }},
    {"vfork",
     [] {
       const auto child = vfork();
       if (child == 0) _exit(0);
       return reap(child);
     }},
    {"clone",
     [] {
       pid_t child = 0;
       char name[] = "true";
       char* const arguments[] = {name, nullptr};
       return posix_spawnp(&child, name, nullptr, nullptr, arguments, environ) == 0 ? reap(child) : 0;
     }},
    {"ptrace", [] { return ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0 ? 1 : 0; }},
    {"unlinkat", [] { return unlinkat(-1, "", 0) != 0 && errno != ENOSYS ? 1 : 0; }},
    {"kill", [] { return kill(getppid(), 0) == 0 ? 1 : 0; }},
    {"pipe2",
     [] {
       int ends[2];
       return pipe2(ends, O_CLOEXEC) == 0 ? close_it(ends[0]) * close_it(ends[1]) : 0;
     }},
    {"system call 999", [] { return syscall(999) == -1 && errno == ENOSYS ? 1 : 0; }},
};

int throw_one() { throw std::runtime_error("no"); }

int sum_of_a_thread() {
  int sum = 0;
  std::thread([&] { sum = 3; }).join();
  return sum;
}

/// The pool's preload. UndefinedBehaviorSanitizer makes a pipe to look at a type that it meets for the first time,
/// which the sandbox forbids: so preload meets the types that the tasks below throw, and the states of their threads.
void meet_types() {
  try {
    throw_one();
  } catch (const std::exception& e) {
    if (std::string_view(e.what()) != "no" || typeid(e).name() == nullptr) std::abort();
  }
  sum_of_a_thread();
  std::thread(+[] {}).join();
}

class Sandbox : public testing::Test {
 protected:
  void SetUp() override {
    if (under_tsan()) GTEST_SKIP() << "ThreadSanitizer reads files of its own in a task";
    if (const auto missing = missing_for_sandbox(); !missing.empty()) GTEST_SKIP() << missing;
    host_ = std::make_unique<pool_host>(
        process_options{.workers = 1, .sandbox = sandbox::compute_only, .preload = meet_types});
  }
  pool_host& host() { return *host_; }
  void expect_violation(const job_ptr& task, const std::string& name) {
    const auto& result = task->wait();
    ASSERT_TRUE(std::holds_alternative<job_violated>(result)) << name << " ended as alternative " << result.index();
    EXPECT_EQ(std::get<job_violated>(result).name, name);
  }

 private:
  std::unique_ptr<pool_host> host_;
};

TEST_F(Sandbox, NamesEachForbiddenCallWhichSucceedsWithoutIt) {
  pool_host free({.workers = 1});
  const auto make = [](std::size_t which) { return all_forbidden[which].make(); };
  for (std::size_t which = 0; which < std::size(all_forbidden); ++which) {
    expect_violation(host().submit(make, which), all_forbidden[which].name);
    EXPECT_EQ(free.call(make, which), 1) << "the control arm of " << all_forbidden[which].name;
  }
  EXPECT_EQ(host().call([] { return 7; }), 7) << "the pool survives";
}

TEST_F(Sandbox, LetsATaskCompute) {
  EXPECT_EQ(host().call([](std::vector<double> x) { return std::sqrt(std::accumulate(x.begin(), x.end(), 0.0)); },
                        std::vector<double>{9, 16}),
            5);
  EXPECT_EQ(host().call([](std::size_t n) { return std::vector<char>(n, 'x').size(); }, std::size_t{64} << 20),
            std::size_t{64} << 20);
  EXPECT_EQ(host().call([](std::size_t n) { return std::string(n, 'x'); }, std::size_t{8} << 20).size(),
            std::size_t{8} << 20);
  const auto thrown = host().submit(throw_one);
  EXPECT_EQ(std::get<job_exception>(thrown->wait()).what, "no");
  EXPECT_EQ(host().call([] { return fprintf(stderr, "%s", ""); }), 0);
}

TEST_F(Sandbox, LetsATaskUseThreadsAndKeepsItsWorkerWhenTheyAreJoined) {
  const auto first = host().call([] { return getpid(); });
  for (int run = 0; run < 20; ++run) EXPECT_EQ(host().call(sum_of_a_thread), 3);
  EXPECT_EQ(host().call([] { return getpid(); }), first);
}

TEST_F(Sandbox, ReplacesAWorkerWithAThreadLeftBehind) {
  const auto first = host().call([] {
    std::thread(+[] {
      for (;;) pause();
    }).detach();
    return getpid();
  });
  EXPECT_NE(host().call([] { return getpid(); }), first);
}

TEST_F(Sandbox, LetsInnocentQuestionsFailSoftly) {
  EXPECT_EQ(host().call([] { return isatty(1) == 0 && errno == ENOTTY; }), true);
  EXPECT_EQ(host().call([] {
    char link[16];
    return readlink("/proc/self/exe", link, sizeof link) < 0 && errno == EACCES;
  }),
            true);
  EXPECT_EQ(host().call([] {
    struct sysinfo about {};
    return sysinfo(&about) != 0 && errno == EPERM;
  }),
            true);
  EXPECT_EQ(host().call([] { return access("/", F_OK) != 0 && errno == EACCES; }), true);
}

unsigned cpus_of_this_thread() {
  cpu_set_t cpus;
  return sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? static_cast<unsigned>(CPU_COUNT(&cpus)) : 0;
}

// The C library looks into a file for the number of processors, into another for the time zone.
TEST_F(Sandbox, LetsALibraryLookForTheMachineInVain) {
  const auto first = host().call([] { return getpid(); });
  for (int run = 0; run < 3; ++run)
    EXPECT_EQ(host().call([] { return std::thread::hardware_concurrency(); }), cpus_of_this_thread());
  EXPECT_EQ(host().call([] {
    const std::time_t new_year = 0;
    std::tm when{};
    return localtime_r(&new_year, &when)->tm_year;
  }),
            70);
  EXPECT_EQ(host().call([] { return open("/proc/stat", O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES; }), true);
  EXPECT_EQ(host().call([] { return getpid(); }), first) << "no worker was lost";
  pool_host free({.workers = 1});
  EXPECT_EQ(free.call([] { return close_it(open("/proc/stat", O_RDONLY | O_CLOEXEC)); }), 1) << "the control arm";
}

TEST_F(Sandbox, IsNotDeceivedByABenignName) {
  expect_violation(host().submit([] { return close_it(open("/proc/stat", O_RDWR | O_CLOEXEC)); }), "openat");
  expect_violation(host().submit([] { return close_it(open("/proc/statx", O_RDONLY | O_CLOEXEC)); }), "openat");
  expect_violation(host().submit([] { return close_it(open("/sys/devices/system/cpu", O_RDONLY | O_CLOEXEC)); }),
                   "openat");
  expect_violation(host().submit([] { return static_cast<int>(syscall(SYS_openat, AT_FDCWD, nullptr, O_RDONLY)); }),
                   "openat");
}

// A name at the very end of its memory is read like any other.
TEST_F(Sandbox, ReadsANameAtTheEndOfItsPage) {
  EXPECT_EQ(host().call([] {
    auto* page = static_cast<char*>(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    munmap(page + 4096, 4096);
    constexpr std::string_view name("/proc/stat\0", 11);
    char* const at = page + 4096 - name.size();
    name.copy(at, name.size());
    return open(at, O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES;
  }),
            true);
}

/// Opens by a name that another thread changes all the time: how often that succeeded.
int opened_while_it_changes(int times) {
  static char name[] = "/proc/stat";
  std::atomic<bool> over{false};
  std::thread changer([&] {
    volatile char* const last = name + 6;  // /proc/stat, /proc/Stat
    while (!over) *last = *last == 's' ? 'S' : 's';
  });
  int opened = 0;
  for (int n = 0; n < times; ++n) opened += close_it(open(name, O_RDONLY | O_CLOEXEC));
  over = true;
  changer.join();
  return opened;
}

// Whatever the name is at the check and at the answer, nothing is ever opened.
TEST_F(Sandbox, OpensNothingWhenTheNameChangesUnderTheLook) {
  int refused = 0, violated = 0;
  for (int run = 0; run < 50; ++run) {
    const auto task = host().submit(opened_while_it_changes, 1 + run % 4);
    if (std::holds_alternative<job_violated>(task->wait())) {
      ++violated;
    } else {
      EXPECT_EQ(read_result<int>(std::get<job_value>(task->wait()).encoded), 0);
      ++refused;
    }
  }
  std::printf("%d refused softly, %d violations\n", refused, violated);
  pool_host free({.workers = 1});
  EXPECT_GT(free.call(opened_while_it_changes, 1000), 0) << "the control arm: outside it is opened now and then";
}

TEST_F(Sandbox, NamesTheCallOfATaskThatBlocksAllSignals) {
  expect_violation(host().submit([] {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, nullptr);
    return close_it(open("/dev/null", O_RDONLY | O_CLOEXEC));
  }),
                   "openat");
}

TEST_F(Sandbox, NamesTheCallOfATaskThatHandlesEverySignalItself) {
  expect_violation(host().submit([] {
    for (int s = 1; s < NSIG; ++s) ::signal(s, [](int) {});
    return close_it(open("/dev/null", O_RDONLY | O_CLOEXEC));
  }),
                   "openat");
}

TEST_F(Sandbox, NamesTheCallOfATaskThatHasClosedEveryDescriptor) {
  expect_violation(host().submit([] {
    close_range(0, ~0U, 0);
    return close_it(open("/dev/null", O_RDONLY | O_CLOEXEC));
  }),
                   "openat");
}

TEST_F(Sandbox, NamesTheCallOfAnotherThreadOfTheTask) {
  expect_violation(host().submit([] {
    std::thread(+[] { close_it(open("/dev/null", O_RDONLY | O_CLOEXEC)); }).join();
    return 1;
  }),
                   "openat");
}

TEST_F(Sandbox, GivesNoPrivileges) {
  EXPECT_EQ(host().call([] { return prctl(PR_SET_NAME, "computing"); }), 0);
  const auto raised = host().call([] {
    const rlimit more{RLIM_INFINITY, RLIM_INFINITY};
    return setrlimit(RLIMIT_CORE, &more);  // its hard limit is 1
  });
  EXPECT_EQ(raised, -1) << "root without capabilities may not raise a limit";
}

TEST_F(Sandbox, AStopAndACrashAreWhatTheyWere) {
  const auto endless = host().submit([] {
    for (volatile int n = 0;;) n = n + 1;
  });
  wait_until([&] { return host().pool.status().busy == 1; });
  EXPECT_TRUE(endless->cell->request(reason::user{}));
  EXPECT_TRUE(std::holds_alternative<job_stopped>(endless->wait()));
  EXPECT_EQ(std::get<job_crashed>(host().submit([] { raise(SIGSEGV); })->wait()).signal, SIGSEGV);
  EXPECT_EQ(std::get<job_crashed>(host().submit([] { std::abort(); })->wait()).signal, SIGABRT);
}

TEST_F(Sandbox, LimitsHoldInIt) {
  if (WORKIT_TEST_SLOWNESS > 1) GTEST_SKIP() << "a sanitizer's allocator aborts where malloc returns null";
  pool_host host({.workers = 1, .limits = {.memory = 64 << 20, .cpu = 200ms}, .sandbox = sandbox::compute_only});
  const auto fill = [](std::size_t n) { return std::vector<char>(n, 'x').size(); };
  EXPECT_EQ(std::get<job_exceeded>(host.submit(fill, std::size_t{256} << 20)->wait()).what, resource::memory);
  EXPECT_EQ(host.call(fill, std::size_t{16} << 20), std::size_t{16} << 20);
  const auto spin = host.submit([] {
    for (volatile int n = 0;;) n = n + 1;
  });
  EXPECT_EQ(std::get<job_exceeded>(spin->wait()).what, resource::cpu);
}

}  // namespace
}  // namespace workit::test
