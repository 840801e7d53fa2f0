// Tasks that do not end by themselves: each stop has a control arm that shows what happens without it.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <fstream>
#include <random>
#include <support/descriptor_balance.hpp>
#include <support/processes_below.hpp>
#include <support/spin_until.hpp>
#include <support/temporary_directory.hpp>

#include "pool_host.hpp"

namespace workit::test {
namespace {

using namespace workers;

bool exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }
void touch(const std::string& path) { std::ofstream(path).put('x'); }
void wait_for(const std::string& path) {
  wait_until([&] { return exists(path); });
}

/// What a task does after it has said that it began.
enum class manner { spinning, blocking_signals, reading, with_grandchild };

/// Would write `ended` at `end`.
void work_until(manner how, std::string begun, std::string ended, time_point end) {
  if (how == manner::blocking_signals) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, nullptr);
  }
  if (how == manner::with_grandchild && fork() == 0) {
    setsid();
    if (fork() != 0) _exit(0);
    touch(begun + "_grandchild");
    spin_until(end);
    touch(ended + "_grandchild");
    _exit(0);
  }
  if (how == manner::with_grandchild) wait_for(begun + "_grandchild");
  touch(begun);
  if (how == manner::reading) {
    read_until(end);
  } else {
    spin_until(how == manner::with_grandchild ? end + 100ms : end);  // it ends first
  }
  touch(ended);
}

class Stop : public testing::TestWithParam<manner> {};

TEST_P(Stop, EndsTheTaskAndWithoutItTheTaskWouldHaveEndedByItself) {
  pool_host host({.workers = 2});
  constexpr auto length = 2500ms;  // longer than any delay of the machine
  for (const bool cancel : {true, false}) {
    const temporary_directory folder;
    const auto begun = folder.file("begun"), ended = folder.file("ended");
    const auto end = std::chrono::steady_clock::now() + length;
    const auto task = host.submit(work_until, GetParam(), begun, ended, end);
    wait_for(begun);
    if (cancel) {
      EXPECT_TRUE(task->cell->request(reason::user{}));
      const auto receipt = std::get<job_stopped>(task->wait()).receipt;
      const auto at_stop = receipt->get();
      EXPECT_EQ(at_stop.method, stop_method::killed);
      EXPECT_EQ(at_stop.where, boundary::process);
      EXPECT_NE(at_stop.proof, stop_proof::none);
      EXPECT_GT(at_stop.worker, 0);
      EXPECT_LE(at_stop.requested, at_stop.stopped);
      wait_until([&] { return receipt->get().reclaimed.has_value(); });
      EXPECT_FALSE(is_alive(at_stop.worker));
      wait_until([] { return processes_below().size() == processes_of_pool(3); });
      std::this_thread::sleep_until(end + 300ms);
    } else {
      EXPECT_TRUE(std::holds_alternative<job_value>(task->wait()));
    }
    EXPECT_EQ(exists(ended), !cancel);
    EXPECT_EQ(exists(ended + "_grandchild"), GetParam() == manner::with_grandchild && !cancel);
    EXPECT_EQ(task->times_settled(), 1);
  }
}

std::string name_of(const testing::TestParamInfo<manner>& how) {
  static constexpr std::array names{"Spinning", "BlockingAllSignals", "BlockedInRead", "WithADetachedGrandchild"};
  return names[static_cast<std::size_t>(how.param)];
}

INSTANTIATE_TEST_SUITE_P(OfATask, Stop,
                         testing::Values(manner::spinning, manner::blocking_signals, manner::reading,
                                         manner::with_grandchild),
                         name_of);

TEST(StopOfAQueuedTask, WithdrawsItAndItNeverStarts) {
  pool_host host({.workers = 1});
  const auto first = host.submit([] {
    for (;;) pause();
  });
  wait_until([&] { return host.pool.status().busy == 1; });
  const temporary_directory folder;
  const auto path = folder.file("queued");
  const auto second = host.submit([](std::string p) { touch(p); }, path);
  EXPECT_TRUE(second->cell->request(reason::user{}));
  const auto receipt = std::get<job_stopped>(second->wait()).receipt->get();
  EXPECT_EQ(receipt.method, stop_method::withdrawn);
  EXPECT_EQ(receipt.worker, 0);
  EXPECT_TRUE(receipt.reclaimed);
  EXPECT_EQ(host.pool.status().queued, 0U);
  first->cell->request(reason::user{});
  first->wait();
  EXPECT_EQ(host.call([] { return 5; }), 5);
  EXPECT_FALSE(exists(path));
}

TEST(StopOfATask, WhoseCellIsCancelledBeforeSubmissionNeverStartsIt) {
  pool_host host({.workers = 1});
  const temporary_directory folder;
  const auto path = folder.file("early");
  const auto task = host.make_job([](std::string p) { touch(p); }, path);
  task->cell->request(reason::user{});
  host.pool.submit(task);
  EXPECT_EQ(std::get<job_stopped>(task->wait()).receipt->get().method, stop_method::withdrawn);
  EXPECT_EQ(host.call([] { return 5; }), 5);
  EXPECT_FALSE(exists(path));
}

TEST(StopOfATask, ByItsDeadlineNeedsNoOtherThread) {
  pool_host host({.workers = 1});
  const auto task = host.make_job([] {
    for (;;) {
    }
  });
  host.warden.arm(task->cell, std::chrono::steady_clock::now() + 20ms);
  task->cell->tighten(deadline_point(std::chrono::steady_clock::now() + 20ms));
  host.pool.submit(task);
  const auto receipt = std::get<job_stopped>(task->wait()).receipt->get();
  EXPECT_TRUE(std::holds_alternative<reason::deadline>(receipt.why));
  host.warden.disarm(*task->cell);
}

TEST(StopOfATask, IsMadeByTheKernelWhenTheHostDoesNotCome) {
  pool_host host({.workers = 1});
  const auto until = std::chrono::steady_clock::now() + 20ms;
  const auto task = std::make_shared<awaited_job>(host.make_cell(), "late", make_remote_call([] {
                                                    for (;;) {
                                                    }
                                                  }),
                                                  job_terms{.until = deadline_point(until)});
  host.pool.submit(task);  // the cell is not armed
  const auto receipt = std::get<job_stopped>(task->wait()).receipt->get();
  EXPECT_TRUE(std::holds_alternative<reason::deadline>(receipt.why));
  EXPECT_EQ(receipt.proof, stop_proof::pidfd);
  EXPECT_GE(receipt.stopped, until + 250ms);
  EXPECT_EQ(host.call([] { return 5; }), 5);
}

TEST(StopOfATask, RacingWithItsCompletionHasOneOutcomeAndSparesTheNextTask) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  pool_host host({.workers = 1, .spares = 2});
  int stopped = 0, completed = 0;
  for (int trial = 0; trial < 400; ++trial) {
    const auto task = host.submit([](int n) { return n; }, trial);
    spin_until(std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 200));
    const bool first = task->cell->request(reason::user{});
    EXPECT_TRUE(first);
    const auto& result = task->wait();
    if (const auto* value = std::get_if<job_value>(&result)) {
      ++completed;
      EXPECT_EQ(read_result<int>(value->encoded), trial);
    } else {
      ++stopped;
      EXPECT_TRUE(std::holds_alternative<job_stopped>(result)) << result.index();
    }
    EXPECT_EQ(host.call([](int n) { return n + 1; }, trial), trial + 1);
    EXPECT_EQ(task->times_settled(), 1);
  }
  EXPECT_EQ(stopped + completed, 400);
  EXPECT_EQ(host.pool.status().crashed, 0U);
  RecordProperty("stopped", stopped);
  RecordProperty("completed", completed);
}

class Baseline : public descriptor_balance {};

TEST_F(Baseline, IsReachedAgainAfterAHundredKills) {
  const auto processes = processes_below().size();
  const auto threads_before = threads_of_this_process();
  {
    pool_host host({.workers = 2, .spares = 2});
    host.wait_until_whole();
    EXPECT_EQ(host.call([] { return 1; }), 1);
    const auto descriptors = lasting_descriptors();
    const auto threads = threads_of_this_process();
    const auto members = processes_below().size();
    const auto blocks = mapped_blocks();
    for (int kills = 0; kills < 100; ++kills) {
      const auto task = host.submit([] {
        for (;;) {
        }
      });
      wait_until([&] { return host.pool.status().busy == 1; });
      task->cell->request(reason::user{});
      EXPECT_TRUE(std::holds_alternative<job_stopped>(task->wait())) << task->result.index();
    }
    host.wait_until_whole();
    EXPECT_EQ(host.call([] { return 1; }), 1);
    EXPECT_EQ(lasting_descriptors(), descriptors);
    EXPECT_EQ(threads_of_this_process(), threads);
    wait_until([&] { return processes_below().size() <= members; });
    EXPECT_EQ(processes_below().size(), members);
    EXPECT_EQ(mapped_blocks(), blocks);
    for (const auto& p : processes_below()) EXPECT_NE(p.state, 'Z') << p.name;
  }
  EXPECT_EQ(processes_below().size(), processes);
  EXPECT_EQ(threads_of_this_process(), threads_before);
  EXPECT_EQ(mapped_blocks(), 0);
}

TEST_F(Baseline, IsReachedAgainAfterAStartThatFailed) {
  EXPECT_THROW(pool_host({.workers = 1, .preload = [] { throw 1; }}), std::exception);
  EXPECT_TRUE(processes_below().empty());
}

TEST(AfterAKill, TheNextTaskRunsWhileTheVictimIsNotReclaimed) {
  pool_host host({.workers = 1, .spares = 1});
  int overtaken = 0;
  constexpr int trials = 5;
  for (int trial = 0; trial < trials; ++trial) {
    host.wait_until_whole();
    const temporary_directory folder;
    const auto begun = folder.file("dirty");
    const auto victim = host.submit(
        [](std::string path) {
          constexpr std::size_t size = 256 << 20;
          auto* memory =
              static_cast<char*>(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
          madvise(memory, size, MADV_NOHUGEPAGE);
          memset(memory, 1, size);
          touch(path);
          for (;;) {
          }
        },
        begun);
    wait_for(begun);
    const auto next = host.submit([] { return 5; });
    victim->cell->request(reason::user{});
    const auto receipt = std::get<job_stopped>(victim->wait()).receipt;
    EXPECT_TRUE(std::holds_alternative<job_value>(next->wait()));
    const auto next_done = next->settled_at();
    wait_until([&] { return receipt->get().reclaimed.has_value(); });
    overtaken += next_done < *receipt->get().reclaimed;
  }
  // A machine under load may let the kernel finish first, now and then.
  EXPECT_GT(overtaken, 0);
}

}  // namespace
}  // namespace workit::test
