// Load: many workers, threads, interrupts, tasks, kinds of end. (T15, T16, T19, T27, T28)
#include <dlfcn.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <algorithm>
#include <clocale>
#include <random>

#include "failures.hpp"

namespace workit::test {
namespace {

class Load : public failures_test {};

std::size_t cores() { return std::max(1u, std::thread::hardware_concurrency()); }

// (T19)
TEST_F(Load, OfEightTimesMoreSpinningWorkersThanCoresLeavesStopsAndDeadlinesInTime) {
  const auto many = 8 * cores();
  runtime rt({}, processes({.workers = many, .spares = 1}));
  std::vector<machine::duration> stops, deadlines;
  rt.run([&](scope& s) {
    std::vector<task<void>> spinners;
    for (std::size_t i = 0; i + 1 < many; ++i)
      spinners.push_back(s.spawn({.background = true}, offload({}, spin_for_ever)));
    s.sleep_for(200ms);
    for (int n = 0; n < 20; ++n) {
      const auto begun = machine::now();
      EXPECT_EQ(how(s.spawn({.background = true}, offload({.timeout = 50ms}, spin_for_ever)).result()), "timed_out");
      deadlines.push_back(machine::now() - begun - 50ms);
    }
    for (auto& spinner : spinners) {
      const auto asked = machine::now();
      spinner.cancel("enough");
      EXPECT_EQ(how(spinner.result()), "cancelled");
      stops.push_back(machine::now() - asked);
    }
  });
  const auto us = [](std::vector<machine::duration>& all) {
    std::sort(all.begin(), all.end());
    return std::pair(all[all.size() / 2].count() / 1000, all.back().count() / 1000);
  };
  const auto [stop, worst_stop] = us(stops);
  const auto [late, latest] = us(deadlines);
  std::printf(
      "beside %zu spinning workers: stops in %ld us, at worst %ld us; deadlines kept by %ld us, at worst %ld us\n",
      many - 1, stop, worst_stop, late, latest);
  EXPECT_LT(stops.back(), bound(1s));
  EXPECT_LT(deadlines.back(), bound(1s));
}

/// Threads of the host that hold, most of the time, one of the locks that a fork must not copy.
class lock_holders {
 public:
  lock_holders() {
    for (int kind = 0; kind < 4; ++kind)
      threads_.emplace_back([this, kind] {
        while (!over_) hold(kind);
      });
  }
  ~lock_holders() {
    over_ = true;
    for (auto& t : threads_) t.join();
  }
  lock_holders(const lock_holders&) = delete;
  lock_holders& operator=(const lock_holders&) = delete;
  std::mutex& mutex() { return mutex_; }

 private:
  void hold(int kind) {
    switch (kind) {
      case 0:
        std::vector<std::string>(100, std::string(100, 'x')).clear();
        break;
      case 1:
        if (FILE* null = std::fopen("/dev/null", "w")) std::fclose(null);
        break;
      case 2:
        if (void* self = dlopen(nullptr, RTLD_NOW)) dlclose(self);
        static_cast<void>(std::locale("C").name());
        break;
      default: {
        const std::lock_guard guard(mutex_);
        std::this_thread::sleep_for(1ms);
      }
    }
  }
  std::atomic<bool> over_{false};
  std::mutex mutex_;
  std::vector<std::thread> threads_;
};

// (T15)
TEST_F(Load, OfThreadsInTheHostNeverLocksAWorker) {
  lock_holders threads;
  runtime rt({}, processes({.workers = 2, .spares = 2}));
  rt.run([&](scope& s) {
    for (int n = 0; n < 200; ++n) {
      auto fresh = s.spawn({.background = true}, offload({.timeout = bound(20s)}, [] {
                             const std::string text(1000, 'x');  // uses what the threads hold
                             if (FILE* null = std::fopen("/dev/null", "w")) std::fclose(null);
                             const std::locale locale("C");
                             _exit(text.size() == 1000 ? 3 : 4);
                           }));
      ASSERT_EQ(how(fresh.result()), "worker_crashed 3") << n;
    }
    EXPECT_EQ(exercise(s), "");
  });
  int locked = 0;  // the control arm: forks of the threaded host itself
  for (int n = 0; n < 50 && locked == 0; ++n) {
    const pid_t child = fork();
    if (child == 0) _exit(threads.mutex().try_lock() ? 0 : 1);
    if (child < 0 && WORKIT_TEST_SLOWNESS > 1)
      GTEST_SKIP() << "the kernel does not fork the control arm, for all the memory that a sanitizer has reserved";
    ASSERT_GT(child, 0) << std::strerror(errno);
    int status = 0;
    waitpid(child, &status, 0);
    locked += WEXITSTATUS(status);
    std::this_thread::sleep_for(300us);
  }
  EXPECT_GT(locked, 0) << "no fork has copied a lock that was held";
}

std::atomic<unsigned long> interrupts{0};

/// SIGALRM ten thousand times a second, without SA_RESTART.
class interrupt_storm {
 public:
  interrupt_storm() {
    struct sigaction action {};
    action.sa_handler = [](int) { interrupts.fetch_add(1, std::memory_order_relaxed); };
    sigaction(SIGALRM, &action, &before_);
    set(100);
  }
  ~interrupt_storm() {
    set(0);
    sigaction(SIGALRM, &before_, nullptr);
  }
  interrupt_storm(const interrupt_storm&) = delete;
  interrupt_storm& operator=(const interrupt_storm&) = delete;

 private:
  static void set(suseconds_t us) {
    const itimerval every{{0, us}, {0, us}};
    setitimer(ITIMER_REAL, &every, nullptr);
  }
  struct sigaction before_ {};
};

// (T16)
TEST_F(Load, OfTenThousandInterruptsASecondChangesNothing) {
  const interrupt_storm storm;
  interrupts = 0;
  {
    runtime rt({}, processes({.workers = 2, .spares = 1}));
    for (int n = 0; n < 5; ++n) EXPECT_EQ(rt.run([](scope& s) { return exercise(s); }), "");
    EXPECT_TRUE(becomes_whole(rt));
  }
  EXPECT_GT(interrupts, 100u) << "the control arm: it rains";
}

// (T27)
/// Spins until the marker `go` is there: its end does not depend on how fast the machine is.
void spin_until_told(const std::string& started, const std::string& ended, const std::string& go) {
  leave_marker(started);
  while (access(go.c_str(), F_OK) != 0) {
  }
  leave_marker(ended);
}

TEST_F(Load, OfAHundredTasksIsGoneWhenTheirScopeEndsByAnError) {
  runtime rt({}, processes({.workers = 8, .spares = 2}));
  kept_receipt receipt;
  machine::time_point thrown, returned;
  try {
    rt.run({.on_receipt = receipt.keeper()}, [&](scope& s) {
      for (int n = 0; n < 100; ++n)
        s.spawn(offload({}, spin_until_told, markers.file("started" + std::to_string(n)), markers.file("ended"),
                        markers.file("go")));
      for (int n = 0; n < 8; ++n) markers.await("started" + std::to_string(n), s);
      while (pool_of(rt).status().queued < 92) s.sleep_for(1ms);  // all the others wait there
      thrown = machine::now();
      throw std::logic_error("the body fails");
    });
    FAIL() << "the error was lost";
  } catch (const std::logic_error&) {
    returned = machine::now();
  }
  EXPECT_LT(returned - thrown, bound(1s));
  const auto& r = receipt.get();
  EXPECT_EQ(r.cancelled, 100u);
  EXPECT_EQ(r.stops.size() + r.stops_dropped, 100u);
  EXPECT_EQ(pool_of(rt).status().killed, 8u);
  leave_marker(markers.file("go"));
  std::this_thread::sleep_for(bound(300ms));
  EXPECT_FALSE(markers.has("ended"));
  EXPECT_FALSE(markers.has("started8")) << "a task began after its scope had failed";
  EXPECT_TRUE(becomes_whole(rt));
}

// The stopper is itself stopped at about the same moment: what it had begun to stop is stopped all the same. (T27)
TEST_F(Load, OfStoppersThatAreStoppedThemselvesLosesNoStop) {
  std::mt19937_64 random(seed());
  runtime rt({}, processes({.workers = 2, .spares = 3}));
  for (int round = 0; round < 100; ++round)
    rt.run([&](scope& s) {
      auto victim = s.spawn({.background = true}, offload({.timeout = bound(20s)}, spin_for_ever));
      auto stopper = s.spawn({.background = true}, [&](context& ctx) {
        ctx.sleep_for(1ms);
        victim.cancel("by the stopper");
        ctx.sleep_for(1h);
      });
      std::thread second([&, us = 1000 + random() % 300] {
        std::this_thread::sleep_for(std::chrono::microseconds(us));
        stopper.cancel("by a thread");
      });
      const auto ended = how(stopper.result());
      second.join();
      EXPECT_EQ(ended, "cancelled");
      victim.cancel("in any case");
      EXPECT_EQ(how(victim.result()), "cancelled");
      EXPECT_EQ(adds_up(s), 5);
    });
}

// (T28; a hundred thousand in the soak)
TEST_F(Load, OfMixedEndsLeavesAsManySlotsAsBefore) {
  std::mt19937_64 random(seed());
  runtime rt({}, processes({.workers = 3, .spares = 2}));
  EXPECT_EQ(rt.run([](scope& s) { return exercise(s); }), "");  // the first stop has made what is made once
  ASSERT_TRUE(becomes_whole(rt));
  const auto before = pool_of(rt).status();
  const auto census_before = census::take();
  std::size_t answered = 0;
  rt.run([&](scope& s) {
    for (int round = 0; round < 40; ++round) {
      std::vector<task<int>> tasks;
      for (int n = 0; n < 10; ++n) {
        const auto kind = random() % 6;
        const offload_options o{.timeout = std::chrono::milliseconds(1 + random() % 5)};
        tasks.push_back(kind == 0   ? s.spawn({.background = true}, offload(o,
                                                                            [] {
                                                                            spin_for_ever();
                                                                            return 0;
                                                                          }))
                        : kind == 1 ? s.spawn({.background = true}, offload({}, [] { return raise(SIGSEGV); }))
                        : kind == 2 ? s.spawn({.background = true}, offload({}, []() -> int { _exit(0); }))
                        : kind == 3 ? s.spawn({.background = true}, offload({}, []() -> int { throw 1; }))
                                    : s.spawn({.background = true}, offload({}, add, 1, 1)));
        if (random() % 4 == 0) tasks.back().cancel("random");
      }
      for (auto& t : tasks) answered += !how(t.result()).empty();
    }
  });
  EXPECT_EQ(answered, 400u);
  EXPECT_TRUE(becomes_whole(rt));
  const auto after = pool_of(rt).status();
  EXPECT_EQ(after.idle, before.idle);
  EXPECT_EQ(after.spares, before.spares);
  const auto now = census::settle(census_before);
  EXPECT_EQ(now.threads, census_before.threads);
  EXPECT_EQ(now.descriptors, census_before.descriptors) << census::descriptors_by_name();
  rt.run([&](scope& s) {
    std::vector<task<void>> sleepers;
    for (int n = 0; n < 4; ++n) sleepers.push_back(s.spawn(offload({}, [] { usleep(200'000); })));
    std::size_t most = 0;
    while (sleepers.back().status() != task_status::succeeded) {
      s.sleep_for(1ms);
      most = std::max(most, pool_of(rt).status().busy);
    }
    EXPECT_EQ(most, 3u);
  });
}

}  // namespace
}  // namespace workit::test
