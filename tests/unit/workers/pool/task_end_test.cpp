// task_end: what a task's end is called, by what its worker left.
#include "task_end.hpp"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <csignal>

#include "limit_note.hpp"
#include "pool_parts.hpp"

namespace workit::test {
namespace {

using namespace std::chrono_literals;

class TaskEnd : public testing::Test {
 protected:
  TaskEnd() {
    worker_->pid = 4711;
    worker_->control().ready = ready_now;
    worker_->control().word = worker_->word_in(phase::running).bits();
  }
  job_result end_with(const worker_end& end, const limit_values& limits = {}, bool published = true) {
    return end_by_death(*worker_, *task_, end, limits, "p", published);
  }
  static constexpr int exited(int code) { return code << 8; }

  ending_table table_;
  const std::shared_ptr<worker_handle> worker_ = add_worker(table_, make_group());
  std::shared_ptr<counted_job> task_ = make_job("a");
};

TEST_F(TaskEnd, AnExitIsACrashWithItsCode) {
  const auto end = end_with({.status = exited(3)});
  EXPECT_EQ(std::get<job_crashed>(end).exit_code, 3);
}

TEST_F(TaskEnd, ASignalIsACrashWithItsNumber) {
  EXPECT_EQ(std::get<job_crashed>(end_with({.status = SIGSEGV})).signal, SIGSEGV);
}

TEST_F(TaskEnd, ACrashThatWasNotedHasTheAddressOfItsFault) {
  worker_->control().crash.address = 0x1234;
  worker_->control().crash.noted = SIGSEGV;
  const auto end = std::get<job_crashed>(end_with({.status = SIGKILL}));
  EXPECT_EQ(end.signal, SIGSEGV) << "the kill that helped it along is not its end";
  EXPECT_EQ(end.fault_address, 0x1234U);
  worker_->control().crash.noted = SIGABRT;
  EXPECT_FALSE(std::get<job_crashed>(end_with({.status = SIGABRT})).fault_address);
}

TEST_F(TaskEnd, ASigkillThatIsNotOursIsFromOutside) {
  const auto end = end_with({.status = SIGKILL, .oom_guess = out_of_memory::likely});
  EXPECT_EQ(std::get<job_crashed>(end).killed_externally, out_of_memory::likely);
  worker_->note_kill();
  EXPECT_FALSE(std::get<job_crashed>(end_with({.status = SIGKILL})).killed_externally);
}

TEST_F(TaskEnd, ASigkillAfterTheDeadlineIsAStop) {
  task_ = make_job("a", {.until = deadline_point(std::chrono::steady_clock::now() - 1ms)});
  const auto receipt = std::get<job_stopped>(end_with({.status = SIGKILL})).receipt->get();
  EXPECT_EQ(receipt.method, stop_method::killed);
  EXPECT_EQ(receipt.proof, stop_proof::pidfd);
  EXPECT_TRUE(std::holds_alternative<reason::deadline>(receipt.why));
}

TEST_F(TaskEnd, ASigkillAfterACancellationIsAStopForItsReason) {
  task_->cell->request(reason::user{});
  const auto receipt = std::get<job_stopped>(end_with({.status = SIGKILL})).receipt->get();
  EXPECT_TRUE(std::holds_alternative<reason::user>(receipt.why));
  EXPECT_EQ(receipt.worker, 4711);
}

TEST_F(TaskEnd, ADeathBeforeTheTaskBeganIsNoCrash) {
  EXPECT_EQ(std::get<job_not_started>(end_with({.status = SIGSEGV}, {}, false)).kind, refusal::lost_worker);
  worker_->control().ready = not_ready;
  EXPECT_EQ(std::get<job_not_started>(end_with({.status = SIGSEGV})).kind, refusal::lost_worker);
}

TEST_F(TaskEnd, AWorkerThatDeniesThatItsTaskBeganIsNotBelieved) {
  worker_->control().word = worker_->word_in(phase::idle).bits();
  EXPECT_EQ(std::get<job_crashed>(end_with({.status = SIGSEGV})).signal, SIGSEGV);
}

TEST_F(TaskEnd, ANoteOfWhatIsNoCrashIsNotBelieved) {
  for (const int nonsense : {-1, 4711, SIGKILL, SIGTERM}) {
    worker_->control().crash.noted = nonsense;
    EXPECT_EQ(std::get<job_crashed>(end_with({.status = exited(3)})).signal, 0);
  }
}

TEST_F(TaskEnd, ADeathWithItsZygoteIsALossUnlessTheWorkerNotedACrash) {
  EXPECT_EQ(std::get<job_lost>(end_with({.status = SIGKILL, .zygote = "hangs"})).zygote, "hangs");
  worker_->control().crash.noted = SIGBUS;
  EXPECT_EQ(std::get<job_crashed>(end_with({.status = SIGKILL, .zygote = "hangs"})).signal, SIGBUS);
}

TEST_F(TaskEnd, AForbiddenSystemCallIsNamed) {
  const auto end = std::get<job_violated>(end_with({.status = SIGKILL, .violation = SYS_openat}));
  EXPECT_EQ(end.number, SYS_openat);
  EXPECT_EQ(end.name, "openat");
}

TEST_F(TaskEnd, AStopCountsMoreThanAForbiddenSystemCall) {
  task_->cell->request(reason::user{});
  EXPECT_TRUE(std::holds_alternative<job_stopped>(end_with({.status = SIGKILL, .violation = SYS_openat})));
}

TEST_F(TaskEnd, ASigkillAtTheEndOfItsProcessorTimeIsThatLimit) {
  const limit_values limits{.cpu_ns = 5'000'000};
  worker_->control().cpu_end_ns = 5'000'000;
  EXPECT_EQ(std::get<job_exceeded>(end_with({.status = SIGKILL, .cpu_us = 4'998}, limits)).what, resource::cpu);
  EXPECT_TRUE(std::holds_alternative<job_crashed>(end_with({.status = SIGKILL, .cpu_us = 4'997}, limits)));
}

TEST_F(TaskEnd, AnAbortAfterTheMemoryLimitIsThatLimit) {
  worker_->control().crash.noted = SIGABRT;
  worker_->control().exceeded = note_of(resource::memory);
  EXPECT_EQ(std::get<job_exceeded>(end_with({.status = SIGABRT}, {.memory = 1 << 20})).limit, 1U << 20);
  EXPECT_TRUE(std::holds_alternative<job_crashed>(end_with({.status = SIGABRT}))) << "there was no limit";
}

TEST_F(TaskEnd, GivingUpIsAStopOnlyWhenThereWasAReason) {
  EXPECT_EQ(std::get<job_exception>(end_by_giving_up(*task_, 1)).type, "workit::scope_cancelled");
  task_->cell->request(reason::user{});
  const auto receipt = std::get<job_stopped>(end_by_giving_up(*task_, 1)).receipt->get();
  EXPECT_EQ(receipt.method, stop_method::cooperative);
  EXPECT_EQ(receipt.proof, stop_proof::returned);
}

}  // namespace
}  // namespace workit::test
