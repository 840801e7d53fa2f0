// thread_pool: status, refused tasks, and the order of notices.
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <mutex>
#include <support/error_of.hpp>
#include <support/fixture.hpp>
#include <workit/preempt/warden.hpp>
#include <workit/workers/detail/thread_job.hpp>
#include <workit/workers/offload.hpp>
#include <workit/workers/thread_pool.hpp>
#include <workit/workers/threads.hpp>

#include "../pool/pool_host.hpp"

namespace workit::test {
namespace {

using workers::thread_pool;

std::atomic<bool> let_out{false}, runs{false};
std::mutex taken;

void compute() {
  runs = true;
  while (!let_out) {
  }
}
void compute_under_a_lock() {
  const std::lock_guard guard(taken);
  compute();
}

/// Records the pool's state when its caller is notified.
class noting_job final : public workers::thread_job {
 public:
  noting_job(preempt::warden& warden, thread_pool& pool, workers::remote_call call)
      : thread_job(cancel_cell::make(nullptr, std::make_shared<telling_listener>(warden)), "a task", std::move(call)),
        pool_(pool) {}

  void settled() noexcept override {
    then = pool_.status();
    is_settled = true;
    is_settled.notify_all();
  }

  workers::thread_pool_status then;
  std::atomic<bool> is_settled{false};

 private:
  thread_pool& pool_;
};

class ThreadPool : public runtime_test {
 protected:
  void SetUp() override {
    if (const auto& why = preempt::why_unsupported(); !why.empty()) GTEST_SKIP() << why;
    runtime_test::SetUp();
    let_out = runs = false;
  }
  void TearDown() override {
    if (!IsSkipped()) runtime_test::TearDown();
  }
};

// The kernel may give the processor to the first thread that is woken: the caller must not wait for a next task's turn.
TEST_F(ThreadPool, TellsTheCallerOfAStopBeforeTheNextTaskMayBegin) {
  preempt::warden warden;
  thread_pool pool({.threads = 1, .spares = 1}, warden);
  pool.start();
  const auto victim = std::make_shared<noting_job>(warden, pool, workers::make_remote_call(compute));
  const auto next = std::make_shared<noting_job>(warden, pool, workers::make_remote_call([] { return 1; }));
  pool.submit(victim);
  wait_until([] { return runs.load(); });
  pool.submit(next);
  victim->cell->request(reason::user{"enough"});
  victim->is_settled.wait(false);
  next->is_settled.wait(false);
  ASSERT_TRUE(std::holds_alternative<workers::job_stopped>(victim->result));
  EXPECT_EQ(victim->then.abandoned, 1U);
  EXPECT_EQ(victim->then.busy, 1U);
  EXPECT_EQ(victim->then.queued, 1U);
  wait_until([&] { return pool.status().busy == 0; });  // the control: it is given back
  EXPECT_EQ(pool.status().queued, 0U);
}

// As a task does that ran on while its pool was stopped.
TEST_F(ThreadPool, MayLoseItsLastHandleOnAThreadOfItsOwn) {
  static std::shared_ptr<thread_pool> last;
  static std::atomic<bool> others_have_gone, has_ended;
  others_have_gone = has_ended = false;
  preempt::warden warden;
  auto pool = std::make_shared<thread_pool>(thread_options{.threads = 2, .spares = 0}, warden);
  pool->start();
  struct plain_job final : workers::thread_job {
    plain_job(preempt::warden& warden, workers::remote_call call)
        : workers::thread_job(cancel_cell::make(nullptr, std::make_shared<telling_listener>(warden)), "a task",
                              std::move(call)) {}
    void settled() noexcept override {}
  };
  const auto job = std::make_shared<plain_job>(warden, workers::make_remote_call([] {
                                                 while (!others_have_gone) std::this_thread::yield();
                                                 last.reset();
                                                 has_ended = true;
                                               }));
  last = pool;
  pool->submit(job);
  pool.reset();
  others_have_gone = true;
  wait_until([] { return has_ended.load(); });
}

/// As sched_getattr(2) has it.
struct scheduling {
  std::uint32_t size, policy;
  std::uint64_t flags;
  std::int32_t nice;
  std::uint32_t priority;
  std::uint64_t runtime, deadline, period;
};

scheduling scheduling_of(pid_t thread) {
  scheduling is{};
  EXPECT_EQ(::syscall(SYS_sched_getattr, thread, &is, sizeof is, 0U), 0);
  return is;
}

// A task's slice decides whether the kernel may preempt it; before Linux 6.12 there is none, and the value is 0.
TEST_F(ThreadPool, ARefusedTaskGivesWayToAWokenThread) {
  preempt::warden warden;
  thread_pool pool({.threads = 1, .spares = 1, .stop_timeout = 1ms}, warden);
  pool.start();
  const auto stuck = std::make_shared<noting_job>(warden, pool, workers::make_remote_call(compute_under_a_lock));
  pool.submit(stuck);
  wait_until([] { return runs.load(); });
  stuck->cell->request(reason::user{"enough"});
  stuck->is_settled.wait(false);
  ASSERT_EQ(stuck->then.refused.size(), 1U);
  const auto of_stuck = scheduling_of(stuck->then.refused[0].thread), mine = scheduling_of(0);
  EXPECT_EQ(of_stuck.nice, 19);
  if (mine.runtime != 0) {
    EXPECT_EQ(of_stuck.runtime, 100'000'000U);
  }
  EXPECT_NE(mine.nice, 19) << "the control: no other thread gives way";
  EXPECT_NE(mine.runtime, 100'000'000U);
  let_out = true;
  wait_until([&] { return pool.status().refused.empty(); });
}

/// As if other processes of the user had queued all the signals that it may.
class no_room_for_signals {
 public:
  no_room_for_signals() {
    ::getrlimit(RLIMIT_SIGPENDING, &before_);
    const rlimit none{0, before_.rlim_max};
    ::setrlimit(RLIMIT_SIGPENDING, &none);
  }
  ~no_room_for_signals() { ::setrlimit(RLIMIT_SIGPENDING, &before_); }

 private:
  rlimit before_{};
};

TEST_F(ThreadPool, IsRefusedWithASentenceWhereNoSignalsCanBeQueued) {
  preempt::warden warden;
  thread_pool pool({.threads = 2}, warden);
  {
    const no_room_for_signals limited;
    const auto why = error_of([&] { pool.start(); });
    EXPECT_NE(why.find("RLIMIT_SIGPENDING (ulimit -i)"), std::string::npos) << why;
  }
  thread_pool other({.threads = 2}, warden);
  EXPECT_NO_THROW(other.start()) << "the control";
}

TEST_F(ThreadPool, StopsATaskThoughNoSignalCanBeQueued) {
  preempt::warden warden;
  thread_pool pool({.threads = 1, .spares = 0}, warden);
  pool.start();
  const no_room_for_signals limited;
  EXPECT_EQ(::syscall(SYS_tgkill, ::getpid(), ::gettid(), SIGRTMIN), -1) << "the control";
  EXPECT_EQ(errno, EAGAIN);
  for (int round = 0; round < 200; ++round) {
    runs = false;
    const auto victim = std::make_shared<noting_job>(warden, pool, workers::make_remote_call(compute));
    pool.submit(victim);
    wait_until([] { return runs.load(); });
    victim->cell->request(reason::user{"enough"});
    victim->is_settled.wait(false);
    ASSERT_TRUE(std::holds_alternative<workers::job_stopped>(victim->result));
    const auto next = std::make_shared<noting_job>(warden, pool, workers::make_remote_call([] {
                                                     const timespec moment{0, 20'000};
                                                     return ::nanosleep(&moment, nullptr);
                                                   }));
    pool.submit(next);
    next->is_settled.wait(false);
    ASSERT_EQ(workers::read_result<int>(std::get<workers::encoded_result>(next->result)), 0)
        << "it saw a signal of the task before";
  }
  const auto now = pool.status();
  EXPECT_EQ(now.abandoned + now.refusals, 200U);
  EXPECT_GT(now.unqueued_kicks, 0U);
}

struct has_a_destructor {
  ~has_a_destructor() { runs = false; }
  int touched = 0;
};
thread_local has_a_destructor spoils_its_thread;

void compute_with_a_thread_local() {
  spoils_its_thread.touched = 1;
  compute();
}

TEST_F(ThreadPool, WithoutRoomForANewThreadsTimerAnswersAndRecovers) {
  preempt::warden warden;
  thread_pool pool({.threads = 1, .spares = 0}, warden);
  pool.start();
  const auto victim =
      std::make_shared<noting_job>(warden, pool, workers::make_remote_call(compute_with_a_thread_local));
  const auto waiting = std::make_shared<noting_job>(warden, pool, workers::make_remote_call([] { return 1; }));
  {
    const no_room_for_signals limited;
    pool.submit(victim);
    wait_until([] { return runs.load(); });
    victim->cell->request(reason::user{"enough"});
    victim->is_settled.wait(false);
    pool.submit(waiting);
    wait_until([&] { return pool.status().start_failures > 1; });
    EXPECT_NE(pool.status().trouble.find("RLIMIT_SIGPENDING"), std::string::npos) << pool.status().trouble;
    waiting->is_settled.wait(false);
    const auto* const refused = std::get_if<workers::job_not_started>(&waiting->result);
    ASSERT_NE(refused, nullptr);
    EXPECT_TRUE(refused->why.starts_with("pool \"threads\" has no thread: ")) << refused->why;
    EXPECT_LT(pool.status().start_failures, 50U) << "there is a brake";
  }
  bool worked = false;
  while (!worked) {  // until the pause is over, the answer is the same
    const auto next = std::make_shared<noting_job>(warden, pool, workers::make_remote_call([] { return 2; }));
    pool.submit(next);
    next->is_settled.wait(false);
    worked = std::holds_alternative<workers::encoded_result>(next->result);
    if (!worked) std::this_thread::sleep_for(1ms);
  }
  EXPECT_EQ(pool.status().trouble, "");
}

TEST_F(ThreadPool, IsFoundByItsNameAndReturnsValuesAndExceptions) {
  runtime rt({}, threads({.name = "few", .threads = 1, .spares = 0}));
  rt.run([](scope& s) {
    const auto in = [](std::string pool) { return offload_options{.boundary = boundary::thread, .pool = pool}; };
    EXPECT_EQ(offload(
                  in("few"), [](int a, int b) { return a + b; }, 40, 2)(s),
              42);
    EXPECT_EQ(offload(in(""), [] { return 1; })(s), 1) << "the first one";
    EXPECT_THROW(offload(in("few"), [] { throw std::out_of_range("far"); })(s), std::out_of_range);
    EXPECT_THROW(offload(in("many"), [] {})(s), start_failed);
  });
}

}  // namespace
}  // namespace workit::test
