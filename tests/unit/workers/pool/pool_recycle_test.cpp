// Workers that are replaced without a fault: after a number of tasks, by memory growth, when idle.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <support/processes_below.hpp>
#include <tuple>
#include <vector>

#include "pool_host.hpp"

namespace workit::test {
namespace {

using namespace workers;

int own_pid() { return getpid(); }

/// How many calls in a row the first worker answers, at most `most`.
int calls_of_one_worker(pool_host& host, int most) {
  const auto first = host.call(own_pid);
  int calls = 1;
  while (calls < most && host.call(own_pid) == first) ++calls;
  return calls;
}

TEST(MaxTasks, ReplacesAWorkerAfterSoManyAndWithoutItNever) {
  {
    pool_host host({.workers = 1, .spares = 0, .max_tasks = 20});
    const auto calls = calls_of_one_worker(host, 100);
    EXPECT_GE(calls, 15);
    EXPECT_LE(calls, 20);
    wait_until([&] { return host.pool.status().recycled == 1; });
  }
  pool_host host({.workers = 1, .spares = 0});
  EXPECT_EQ(calls_of_one_worker(host, 100), 100);
  EXPECT_EQ(host.pool.status().recycled, 0U);
}

TEST(MaxTasks, OfOneGivesEachTaskAWorkerOfItsOwn) {
  pool_host host({.workers = 2, .max_tasks = 1});
  std::set<int> seen;
  for (int i = 0; i < 30; ++i) seen.insert(host.call(own_pid));
  EXPECT_EQ(seen.size(), 30U);
}

TEST(MaxTasks, DoesNotReplaceAllWorkersTogether) {
  constexpr std::size_t workers = 8;
  pool_host host({.workers = workers, .spares = 0, .max_tasks = 200});
  std::set<int> lives;
  // Each worker's first life is counted out by itself; equal lives would be one number.
  std::map<int, int> calls;
  while (calls.size() < 4 * workers) {
    std::vector<job_ptr> round;
    for (std::size_t i = 0; i < workers; ++i) round.push_back(host.submit(own_pid));
    for (const auto& t : round) ++calls[read_result<int>(std::get<job_value>(t->wait()).encoded)];
  }
  for (const auto& [pid, n] : calls)
    if (!is_alive(pid)) lives.insert(n);
  EXPECT_GT(lives.size(), 3U);
  EXPECT_GE(*lives.begin(), 150);
  EXPECT_LE(*lives.rbegin(), 200);
}

/// By mmap: an allocator may keep what it is given back, as AddressSanitizer's does.
void* take(std::size_t mib) {
  void* memory = mmap(nullptr, mib << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memset(memory, 1, mib << 20);
}
void leak(std::size_t mib) { take(mib); }
int take_and_give_back(std::size_t mib) { return munmap(take(mib), mib << 20); }

std::vector<char> big_model;
void load_big_model() { big_model.assign(64 << 20, 'm'); }

TEST(MaxGrowth, ReplacesAWorkerThatLeaksAndNotOneThatGivesBack) {
  pool_host host({.workers = 1, .spares = 0, .max_growth = 32 << 20, .preload = load_big_model});
  const auto first = host.call(own_pid);
  EXPECT_EQ(host.call(take_and_give_back, 100), 0);
  host.call([] {  // what preload has loaded is not its growth
    for (std::size_t i = 0; i < big_model.size(); i += 4096) big_model[i] = 'n';
  });
  EXPECT_EQ(host.call(own_pid), first);
  host.call(leak, 48);
  EXPECT_NE(host.call(own_pid), first);
  EXPECT_EQ(host.pool.status().recycled, 1U);
}

TEST(MaxGrowth, IsOffByDefault) {
  pool_host host({.workers = 1, .spares = 0});
  const auto first = host.call(own_pid);
  host.call(leak, 48);
  EXPECT_EQ(host.call(own_pid), first);
}

/// Leaves so many open.
void leave_open(int descriptors) {
  for (int i = 0; i < descriptors; ++i) std::ignore = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/// Opens as many at once as a process with 256 may have beside what a worker has.
bool can_open_many() {
  std::vector<int> files;
  for (int i = 0; i < 100; ++i) files.push_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
  for (const int file : files) close(file);
  return std::ranges::none_of(files, [](int file) { return file < 0; });
}

/// Workers start with that many.
class few_descriptors {
 public:
  few_descriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit few{256, before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &few);
  }
  ~few_descriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST(MaxDescriptors, KeepsTheLeaksOfOneTaskFromFailingTheNext) {
  const few_descriptors allowed;
  for (const bool control : {false, true}) {
    pool_host host({.workers = 1, .spares = 0, .max_descriptors = control ? 0U : 64U});
    int failed = 0;
    for (int call = 0; call < 300; ++call) {
      host.call(leave_open, 1);
      failed += host.call(can_open_many) ? 0 : 1;
    }
    if (control)
      EXPECT_GT(failed, 0) << "the control: a worker that is kept fails them";
    else
      EXPECT_EQ(failed, 0);
    EXPECT_EQ(host.pool.status().recycled, control ? 0U : 4U);
  }
}

TEST(MaxDescriptors, LetsALibraryKeepTheFilesThatItOpens) {
  pool_host host({.workers = 1, .spares = 0});
  const auto first = host.call(own_pid);
  host.call(leave_open, 60);
  for (int call = 0; call < 20; ++call) EXPECT_EQ(host.call(own_pid), first);
  EXPECT_EQ(host.pool.status().recycled, 0U);
}

TEST(MaxDescriptors, DoNotCountAgainstTheLimitOfTheNextTask) {
  pool_host host({.workers = 1, .spares = 0, .limits = {.files = 101}});
  const auto first = host.call(own_pid);
  host.call(leave_open, 60);
  EXPECT_TRUE(host.call(can_open_many));
  EXPECT_EQ(host.call(own_pid), first);
}

TEST(IdleShrink, LetsIdleWorkersGoAndBringsThemBackWithTheLoad) {
  pool_host host({.workers = 4, .spares = 1, .idle_shrink = 20ms, .min_workers = 1});
  EXPECT_LE(host.pool.status().idle, 2U);  // not more than are kept in any case
  const auto burst = [&] {
    std::vector<job_ptr> tasks;
    for (int i = 0; i < 16; ++i)
      tasks.push_back(host.submit([] {
        usleep(20'000);
        return getpid();
      }));
    std::set<int> pids;
    for (const auto& t : tasks) pids.insert(read_result<int>(std::get<job_value>(t->wait()).encoded));
    return pids.size();
  };
  for (int round = 0; round < 3; ++round) {
    EXPECT_GE(burst(), 4U);
    wait_until([&] { return host.pool.status().idle == 2 && host.pool.status().unreclaimed == 0; });
    EXPECT_EQ(processes_below().size(), processes_of_pool(2));
  }
  EXPECT_GE(host.pool.status().shrunk, 6U);
}

TEST(IdleShrink, IsOffByDefault) {
  pool_host host({.workers = 4, .spares = 1});
  EXPECT_EQ(host.pool.status().idle, 5U);
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(host.pool.status().idle, 5U);
}

TEST(IdleShrink, ToZeroStillAnswers) {
  pool_host host({.workers = 2, .spares = 0, .idle_shrink = 5ms});
  for (int i = 0; i < 5; ++i) {
    EXPECT_GT(host.call(own_pid), 0);
    wait_until([&] { return host.pool.status().idle == 0; });
  }
}

/// A worker is let go at the very moment when a task may be given to it.
TEST(IdleShrink, NeverTakesAWorkerFromUnderATask) {
  pool_host host({.workers = 2, .spares = 0, .idle_shrink = 1ms});
  for (int i = 0; i < 300; ++i) {
    const auto task = host.submit(own_pid);
    ASSERT_TRUE(std::holds_alternative<job_value>(task->wait()));
    std::this_thread::sleep_for(std::chrono::microseconds(700 + i % 7 * 100));
  }
  EXPECT_GT(host.pool.status().shrunk, 10U);
}

}  // namespace
}  // namespace workit::test
