// thread_pool: status, refused tasks, and the order of notices.
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <mutex>
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
