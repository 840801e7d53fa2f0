// Tasks that end by themselves: values, exceptions, crashes, and what they leave.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <locale.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cfenv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <support/processes_below.hpp>
#include <support/temporary_directory.hpp>
#include <workit/base/errors.hpp>

#include "pool_host.hpp"

namespace workit::test {
namespace {

using namespace workers;

int preloads = 0;
void count_preloads() { ++preloads; }
void throwing_preload() { throw std::runtime_error("the model is not there"); }
void threaded_preload() {
  std::thread([] { pause(); }).detach();
}
int squared(int x) { return x * x; }

// How a value, an exception and so on come back is one test each; the pool is shared between them.
class ProcessPool : public testing::Test {
 protected:
  static void SetUpTestSuite() { host_ = std::make_unique<pool_host>(process_options{.workers = 2}); }
  static void TearDownTestSuite() { host_.reset(); }
  pool_host& host() { return *host_; }
  /// What became of a call.
  template <class F, class... A>
  job_result end_of(F&& fn, A&&... args) {
    auto task = host_->submit(std::forward<F>(fn), std::forward<A>(args)...);
    task->wait();
    EXPECT_EQ(task->times_settled(), 1);
    return std::move(task->result);
  }
  void expect_pool_works() { EXPECT_EQ(host_->call(squared, 7), 49); }

  static inline std::unique_ptr<pool_host> host_;
};

TEST_F(ProcessPool, DeliversValues) {
  EXPECT_EQ(host().call(squared, 9), 81);
  EXPECT_EQ(host().call([](const std::string& a, std::vector<int> b) { return a + std::to_string(b.size()); }, "x",
                        std::vector<int>(3)),
            "x3");
  EXPECT_NO_THROW(host().call([] {}));
  EXPECT_NE(host().call([] { return getpid(); }), getpid());
}

TEST_F(ProcessPool, CarriesSixtyFourMebibytesThereAndBack) {
  std::vector<int> numbers(16 << 20);
  std::iota(numbers.begin(), numbers.end(), 0);
  const auto doubled = host().call(
      [](std::vector<int> v) {
        for (int& x : v) x *= 2;
        return v;
      },
      numbers);
  ASSERT_EQ(doubled.size(), numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) ASSERT_EQ(doubled[i], numbers[i] * 2);
  expect_pool_works();
}

TEST_F(ProcessPool, CarriesSizesAroundThePage) {
  for (const std::size_t size : {0, 1, 4095, 4096, 61'000, 61'424, 61'432, 61'440, 65'536, 200'000})
    EXPECT_EQ(host().call([](std::string s) { return s + s; }, std::string(size, 'x')), std::string(2 * size, 'x'));
}

TEST_F(ProcessPool, ReportsExceptionsByTypeAndWords) {
  const auto thrown = [&](auto fn) { return std::get<job_exception>(end_of(fn)); };
  const auto invalid = thrown([] { throw std::invalid_argument("no such document"); });
  EXPECT_EQ(invalid.type, "std::invalid_argument");
  EXPECT_EQ(invalid.what, "no such document");
  EXPECT_EQ(thrown([] { throw 42; }).type, "int");
  struct silent : std::exception {
    const char* what() const noexcept override { return nullptr; }
  };
  EXPECT_EQ(thrown([] { throw silent(); }).what, "");
  EXPECT_EQ(thrown([] { throw std::string("text"); }).what, "text");
  expect_pool_works();
}

TEST_F(ProcessPool, CutsEndlessExceptionWords) {
  const auto thrown = std::get<job_exception>(end_of([] { throw std::runtime_error(std::string(10'000'000, 'x')); }));
  EXPECT_EQ(thrown.type, "std::runtime_error");
  EXPECT_GT(thrown.what.size(), 1000U);
}

TEST_F(ProcessPool, ReportsCrashes) {
  const auto crash = [&](auto fn) { return std::get<job_crashed>(end_of(fn)); };
  EXPECT_EQ(crash([] { raise(SIGSEGV); }).signal, SIGSEGV);
  EXPECT_EQ(crash([] { std::abort(); }).signal, SIGABRT);
  EXPECT_EQ(crash([] { raise(SIGKILL); }).signal, SIGKILL);
  EXPECT_EQ(crash([] { raise(SIGTERM); }).signal, SIGTERM);
  EXPECT_EQ(crash([] { std::terminate(); }).signal, SIGABRT);
  EXPECT_EQ(crash([] { std::exit(3); }).exit_code, 3);
  EXPECT_EQ(crash([] { _exit(4); }).exit_code, 4);
  const auto zero = crash([] { _exit(0); });
  EXPECT_EQ(zero.exit_code, 0);
  EXPECT_EQ(zero.signal, 0);
  expect_pool_works();
}

TEST_F(ProcessPool, DoesNotTakeTheCrashOfATasksChildForTheTasksOwn) {
  EXPECT_EQ(host().call([] {
    const auto child = fork();
    if (child == 0) raise(SIGSEGV);
    int status = 0;
    waitpid(child, &status, 0);
    usleep(20'000);  // time for a host that was deceived to act
    return WTERMSIG(status);
  }),
            SIGSEGV);
}

[[gnu::noinline]] int recurse(volatile int* above) {
  volatile int here[1000];
  here[0] = above == nullptr ? 0 : *above;
  return here[0] == 1 ? 0 : recurse(here) + here[0];
}

TEST_F(ProcessPool, ReportsAnOverflownStack) {
  const auto crash = std::get<job_crashed>(end_of([] { return recurse(nullptr); }));
  EXPECT_EQ(crash.signal, SIGSEGV);
  expect_pool_works();
}

TEST_F(ProcessPool, ReportsACrashBeforeTheKernelHasFreedItsMemory) {
  int early = 0;
  for (int trial = 0; trial < 5; ++trial) {
    const auto task = host().submit([] {
      constexpr std::size_t size = 256 << 20;
      void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      madvise(memory, size, MADV_NOHUGEPAGE);
      memset(memory, 1, size);
      raise(SIGSEGV);
    });
    EXPECT_EQ(std::get<job_crashed>(task->wait()).signal, SIGSEGV);
    early += host().pool.status().unreclaimed > 0;
    host().wait_until_whole();
  }
  EXPECT_GT(early, 0);
}

struct writes_on_exit {
  std::string path;
  ~writes_on_exit() {
    if (!path.empty()) std::ofstream(path) << "destroyed";
  }
};
writes_on_exit at_exit;

TEST_F(ProcessPool, DoesNotDestroyStaticObjectsInWorkers) {
  const temporary_directory folder;
  const auto path = folder.file("destroyed");
  const auto crash = std::get<job_crashed>(end_of(
      [](std::string p) {
        at_exit.path = p;
        std::exit(5);
      },
      path));
  EXPECT_EQ(crash.exit_code, 5);
  EXPECT_NE(access(path.c_str(), F_OK), 0);
}

TEST_F(ProcessPool, GivesWorkersACleanProcess) {
  EXPECT_EQ(host().call([] { return getsid(0) == getpid(); }), true);
  EXPECT_EQ(host().call([] {
    int open = 0;
    for (int fd = 0; fd < 1000; ++fd) open += fcntl(fd, F_GETFD) >= 0;
    return open;
  }),
            8);  // 0, 1, 2, the block, the eventfd, the task channel, the directories of threads and of descriptors
  EXPECT_EQ(host().call([] {
    rlimit core{};
    getrlimit(RLIMIT_CORE, &core);
    return core.rlim_cur;
  }),
            1U);
  EXPECT_EQ(host().call([] {
    sigset_t blocked;
    sigprocmask(SIG_SETMASK, nullptr, &blocked);
    return sigisemptyset(&blocked);
  }),
            1);
  EXPECT_EQ(host().call([] { return static_cast<int>(read(0, nullptr, 0)); }), 0);
}

/// Whether errno is the other task's, the rounding, whether the thread can be cancelled, whether it has its own locale.
std::array<int, 4> what_the_thread_has() {
  int cancel = 0;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
  pthread_setcancelstate(cancel, nullptr);
  return {errno == EDOM, fegetround(), cancel, uselocale(nullptr) != LC_GLOBAL_LOCALE};
}

std::array<int, 4> change_what_the_thread_has() {
  static const locale_t other = newlocale(LC_ALL_MASK, "C", nullptr);
  uselocale(other);
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
  fesetround(FE_UPWARD);
  errno = EDOM;
  return what_the_thread_has();
}

TEST_F(ProcessPool, ShowsATaskNothingOfWhatTheOneBeforeHasChangedInTheThread) {
  const std::array<int, 4> untouched{0, FE_TONEAREST, PTHREAD_CANCEL_ENABLE, 0};
  const auto pid = host().call([] { return getpid(); });
  const auto changed = host().call(change_what_the_thread_has);
  for (std::size_t i = 0; i < changed.size(); ++i) EXPECT_NE(changed[i], untouched[i]) << "the control: " << i;
  EXPECT_EQ(host().call(what_the_thread_has), untouched);
  EXPECT_EQ(host().call([] { return getpid(); }), pid);
}

TEST_F(ProcessPool, DeliversTheValueOfATaskThatLeftAThreadAndDiscardsItsWorker) {
  const auto pid = host().call([] {
    std::thread([] { pause(); }).detach();
    return getpid();
  });
  wait_until([&] { return !is_alive(pid); });
  expect_pool_works();
}

TEST_F(ProcessPool, FindsAThreadWhoseTaskHasPutAnotherDirectoryInThePlaceOfTheCount) {
  const temporary_directory place;
  const auto one_below = place.path() / "one";  // its number of links is that of a process with one thread
  std::filesystem::create_directories(one_below / "thread");
  const auto forge = [](const std::string& forged, bool leave_a_thread) {
    const int instead = open(forged.c_str(), O_RDONLY | O_DIRECTORY);
    int replaced = 0;
    for (int fd = 3; fd < 256; ++fd) {
      char target[256] = {};
      if (readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), target, sizeof target - 1) > 0 &&
          std::string_view(target).ends_with("/task"))
        replaced += dup2(instead, fd) == fd;
    }
    if (leave_a_thread) std::thread([] { pause(); }).detach();
    return std::pair(getpid(), replaced);
  };
  const auto [clean, replaced] = host().call(forge, one_below.string(), false);
  EXPECT_EQ(replaced, 1);
  EXPECT_EQ(host().call([] { return getpid(); }), clean) << "the control: a worker without a left thread goes on";
  const auto [guilty, again] = host().call(forge, one_below.string(), true);
  wait_until([&, w = guilty] { return !is_alive(w); });
  expect_pool_works();
}

TEST_F(ProcessPool, DeliversTheValueOfATaskThatLeftAChildAndDiscardsBoth) {
  for (const bool detached : {false, true}) {
    const auto [worker, child] = host().call(
        [](bool away) {
          int ends[2];
          if (pipe(ends) != 0) abort();
          if (fork() == 0) {
            if (away) {
              setsid();
              if (fork() != 0) _exit(0);
            }
            const pid_t self = getpid();
            if (write(ends[1], &self, sizeof self) != sizeof self) abort();
            for (;;) pause();
          }
          pid_t left = 0;
          if (read(ends[0], &left, sizeof left) != sizeof left) abort();
          return std::pair(getpid(), left);
        },
        detached);
    wait_until([&, w = worker, c = child] { return !is_alive(w) && !is_alive(c); });
  }
  expect_pool_works();
}

TEST_F(ProcessPool, KeepsTheWorkerOfATaskThatCleanedUp) {
  const auto first = host().call([] {
    std::thread([] {}).join();
    if (const auto child = fork(); child == 0)
      _exit(0);
    else
      waitpid(child, nullptr, 0);
    return getpid();
  });
  EXPECT_EQ(host().call([] { return getpid(); }), first);
}

TEST_F(ProcessPool, DeliversTheValueOfATaskThatClosedEveryDescriptor) {
  EXPECT_EQ(host().call([] {
    close_range(3, ~0U, 0);
    return 5;
  }),
            5);
  EXPECT_EQ(host().call([] {  // and reused their descriptors
    for (int fd = 3; fd < 10; ++fd) dup2(1, fd);
    return 6;
  }),
            6);
  expect_pool_works();
}

TEST_F(ProcessPool, QueuesWhatDoesNotFitAndRunsAtMostSoManyAtOnce) {
  std::vector<job_ptr> tasks;
  for (int i = 0; i < 50; ++i)
    tasks.push_back(host().submit(
        [](int n) {
          usleep(1000);
          return n;
        },
        i));
  while (!tasks.back()->is_settled()) EXPECT_LE(host().pool.status().busy, 2U);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(read_result<int>(std::get<job_value>(tasks[i]->wait()).encoded), i);
}

TEST_F(ProcessPool, DrainsWhenNothingIsLeft) {
  auto task = host().submit([] { usleep(20'000); });
  EXPECT_FALSE(host().pool.drain(deadline_point(std::chrono::steady_clock::now())));
  EXPECT_TRUE(host().pool.drain(deadline_point{}));
  EXPECT_TRUE(task->is_settled());
}

TEST_F(ProcessPool, LeavesAResultOfAnotherTypeToItsReader) {
  const auto liar = host().submit([] { return std::pair(1, 2); });
  EXPECT_THROW(static_cast<void>(read_result<int>(std::get<job_value>(liar->wait()).encoded)), wire_error);
}

TEST(ProcessPoolPreload, RunsOnceAndIsSeenByAllWorkers) {
  pool_host host({.workers = 2, .preload = count_preloads});
  std::vector<job_ptr> tasks;
  for (int i = 0; i < 8; ++i)
    tasks.push_back(host.submit([] {
      usleep(2000);
      return preloads;
    }));
  for (auto& t : tasks) EXPECT_EQ(read_result<int>(std::get<job_value>(t->wait()).encoded), 1);
  EXPECT_EQ(preloads, 0);
}

TEST(ProcessPoolPreload, ThatThrowsIsReported) {
  const auto said = start_sentence({.workers = 1, .preload = throwing_preload});
  EXPECT_NE(said.find("preload threw std::runtime_error: the model is not there"), std::string::npos) << said;
}

TEST(ProcessPoolPreload, ThatLeavesAThreadIsRefused) {
  const auto said = start_sentence({.workers = 1, .preload = threaded_preload});
  EXPECT_NE(said.find("and cannot be forked"), std::string::npos) << said;
}

/// The kernel counts the thread for a while after it was joined: it has many descriptors of its own to close.
void joining_preload() {
  std::thread([] {
    if (unshare(CLONE_FILES) != 0) return;
    for (int i = 0; i < 900; ++i) dup(STDERR_FILENO);
  }).join();
}

TEST(ProcessPoolPreload, MayUseThreadsThatItJoins) {
  for (int run = 0; run < 10; ++run)
    EXPECT_EQ(start_sentence({.workers = 1, .preload = joining_preload}), "") << "run " << run;
}

TEST(ProcessPoolOptions, AreRefusedWithASentence) {
  EXPECT_NE(start_sentence({.name = ""}).find("needs a name"), std::string::npos);
  EXPECT_NE(start_sentence({.name = std::string(65, 'x')}).find("64 characters"), std::string::npos);
  EXPECT_NE(start_sentence({.workers = 5000}).find("1024"), std::string::npos);
}

TEST(ProcessPoolStop, SettlesWhatIsQueuedAndWhatRuns) {
  job_ptr running, queued, late;
  {
    pool_host host({.workers = 1});
    running = host.submit([] {
      for (;;) pause();
    });
    queued = host.submit(squared, 1);
    wait_until([&] { return host.pool.status().busy == 1; });
    host.pool.stop();
    late = host.submit(squared, 2);
    host.pool.stop();
  }
  const auto receipt = std::get<job_stopped>(running->wait()).receipt->get();
  EXPECT_EQ(receipt.method, stop_method::killed);
  EXPECT_TRUE(receipt.reclaimed);
  EXPECT_NE(std::get<job_not_started>(queued->wait()).why.find("was stopped"), std::string::npos);
  EXPECT_NE(std::get<job_not_started>(late->wait()).why.find("was stopped"), std::string::npos);
  EXPECT_TRUE(processes_below().empty());
}

TEST(ProcessPoolHost, MayIgnoreItsChildrenOrReapThemItself) {
  signal(SIGCHLD, SIG_IGN);
  {
    pool_host host({.workers = 1});
    EXPECT_EQ(host.call(squared, 3), 9);
    EXPECT_EQ(std::get<job_crashed>(host.submit([] { _exit(1); })->wait()).exit_code, 1);
    EXPECT_EQ(host.call(squared, 3), 9);
  }
  signal(SIGCHLD, SIG_DFL);
  EXPECT_TRUE(processes_below().empty());
}

TEST(ProcessPoolHost, TakesTheSecondPoolBesideTheFirst) {
  pool_host a({.name = "a", .workers = 1}), b({.name = "b", .workers = 1});
  EXPECT_EQ(a.call(squared, 3), 9);
  EXPECT_EQ(b.call(squared, 4), 16);
}

}  // namespace
}  // namespace workit::test
