// The end of a pool: bounded, and its report names what did not die.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <fstream>
#include <support/descriptor_balance.hpp>
#include <support/processes_below.hpp>
#include <support/temporary_directory.hpp>

#include "pool_host.hpp"
#include "pool_tasks.hpp"

namespace workit::test {
namespace {

using namespace workers;

class Shutdown : public descriptor_balance {};

TEST_F(Shutdown, WithoutGraceKillsWhatRunsAndRefusesWhatWaits) {
  pool_host host({.workers = 2});
  std::vector<job_ptr> running, waiting;
  for (int i = 0; i < 2; ++i) running.push_back(host.submit(endless));
  // The victim of the start's self-test may be dying still.
  wait_until([&] { return host.pool.status().busy == 2 && host.pool.status().unreclaimed == 0; });
  for (int i = 0; i < 3; ++i) waiting.push_back(host.submit(endless));
  const auto report = host.pool.stop();
  EXPECT_EQ(report.killed, 2U);
  EXPECT_EQ(report.refused, 3U);
  EXPECT_EQ(report.finished, 0U);
  EXPECT_EQ(report.unsettled, 0U);
  EXPECT_EQ(report.reaped, 4U);  // the zygote, two workers, a spare
  EXPECT_TRUE(report.unreaped.empty());
  for (const auto& t : running) EXPECT_TRUE(std::holds_alternative<job_stopped>(t->wait()));
  for (const auto& t : waiting) EXPECT_EQ(std::get<job_not_started>(t->wait()).kind, refusal::stopped);
  EXPECT_TRUE(processes_below().empty());
  EXPECT_EQ(host.pool.stop().killed, 2U) << "each call has the same report";
  EXPECT_EQ(host.pool.status().stops.of<reason::shutdown>(), 2U);
}

TEST_F(Shutdown, GivesRunningTasksTheirGraceAndTheWaitingOnesNone) {
  for (const bool patient : {true, false}) {
    const temporary_directory folder;
    const auto file = folder.file("end");
    pool_host host({.workers = 1});
    const auto running = host.submit(run_until, file);
    wait_until([&] { return host.pool.status().busy == 1; });
    const auto waiting = host.submit(endless);
    std::thread opener([&] {
      wait_until([&] { return waiting->is_settled(); });  // refused before the grace, not after it
      if (patient) std::ofstream(file).put('x');
    });
    const auto report = host.pool.stop({.grace = patient ? duration(1h) : duration(50ms)});
    opener.join();
    EXPECT_EQ(std::holds_alternative<job_value>(running->wait()), patient);
    EXPECT_EQ(report.finished, patient ? 1U : 0U);
    EXPECT_EQ(report.killed, patient ? 0U : 1U);
    EXPECT_GE(report.took, patient ? duration::zero() : duration(50ms));
    EXPECT_EQ(report.refused, 1U);
  }
}

TEST_F(Shutdown, TellsItsHookOnce) {
  int told = 0;
  {
    pool_host host({.workers = 1, .on_shutdown = [&](const shutdown_report& r) {
                      told += r.unreaped.empty();
                      throw 1;  // is swallowed
                    }});
    host.pool.stop();
  }
  EXPECT_EQ(told, 1);
}

/// A tracer that keeps a process from exiting, even by SIGKILL, until the test releases it: it asked to be told of the
/// exit and does not answer (ptrace(2), PTRACE_EVENT_EXIT).
class holding_tracer {
 public:
  explicit holding_tracer(pid_t victim) {
    int ready[2], go[2];
    if (pipe2(ready, O_CLOEXEC) != 0 || pipe2(go, O_CLOEXEC) != 0) abort();
    pid_ = fork();
    if (pid_ == 0) {
      const char answer = ptrace(PTRACE_SEIZE, victim, nullptr, PTRACE_O_TRACEEXIT) == 0 ? 'y' : 'n';
      if (write(ready[1], &answer, 1) != 1) _exit(1);
      close(go[1]);
      char c;
      [[maybe_unused]] const auto told = read(go[0], &c, 1);
      _exit(0);  // which releases the traced process
    }
    close(ready[1]);
    close(go[0]);
    char answer = 'n';
    holds_ = read(ready[0], &answer, 1) == 1 && answer == 'y';
    close(ready[0]);
    go_ = go[1];
  }
  ~holding_tracer() { let_go(); }
  [[nodiscard]] bool holds() const { return holds_; }
  void let_go() {
    if (go_ < 0) return;
    close(go_);
    go_ = -1;
    waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_ = -1;
  int go_ = -1;
  bool holds_ = false;
};

/// A task that runs for ever and says in which process.
class victim {
 public:
  explicit victim(pool_host& host)
      : task(host.submit(
            [](std::string to) {
              std::ofstream(to + ".part") << getpid();
              rename((to + ".part").c_str(), to.c_str());
              endless();
            },
            folder_.file("pid"))) {
    const auto file = folder_.file("pid");
    wait_until([&] { return access(file.c_str(), F_OK) == 0; });
    std::ifstream(file) >> pid;
  }

 private:
  temporary_directory folder_;

 public:
  const job_ptr task;
  pid_t pid = 0;
};

TEST_F(Shutdown, ListsAProcessThatWouldNotDieAndGoesOnWithoutIt) {
  std::vector<unreaped_process> heard;
  pool_host host({.workers = 2, .on_shutdown = [&](const shutdown_report& r) { heard = r.unreaped; }});
  const victim held(host), other(host);
  holding_tracer tracer(held.pid);
  if (!tracer.holds()) GTEST_SKIP() << "this machine permits no tracing";
  wait_until([&] { return host.pool.status().unreclaimed == 0; });  // the victim of the start's self-test
  const auto report = host.pool.stop({.reaping = 300ms});
  ASSERT_EQ(report.unreaped.size(), 1U);
  EXPECT_EQ(report.unreaped.front().pid, held.pid);
  EXPECT_FALSE(report.unreaped.front().is_zygote);
  EXPECT_EQ(heard.size(), 1U);
  EXPECT_EQ(report.reaped, 3U);
  EXPECT_LT(report.took, 10s);
  EXPECT_TRUE(std::holds_alternative<job_stopped>(held.task->wait()));
  EXPECT_TRUE(std::holds_alternative<job_stopped>(other.task->wait()));
  int complete = 0;
  for (const auto* each : {&held, &other}) {
    const auto& receipt = std::get<job_stopped>(each->task->wait()).receipt;
    receipt->when_reclaimed([&] { ++complete; });
    EXPECT_EQ(receipt->get().reclaimed.has_value(), each == &other);
  }
  EXPECT_EQ(complete, 2) << "the receipt of what would not die is given up, too";
  EXPECT_TRUE(is_alive(held.pid));
  tracer.let_go();
  wait_until([&] { return !is_alive(held.pid); });
}

TEST_F(Shutdown, WaitsForAProcessThatIsLetGoInTime) {
  pool_host host({.workers = 1});
  const victim held(host);
  holding_tracer tracer(held.pid);
  if (!tracer.holds()) GTEST_SKIP() << "this machine permits no tracing";
  std::thread releaser([&] {
    wait_until([&] { return held.task->is_settled(); });
    std::this_thread::sleep_for(20ms);
    tracer.let_go();
  });
  EXPECT_TRUE(host.pool.stop({.reaping = 1min}).unreaped.empty());
  releaser.join();
}

TEST_F(Shutdown, ReplacesAProcessThatWouldNotDieWithoutAnotherRequest) {
  pool_host host({.workers = 2});
  if (host.warden.proof() != stop_proof::barrier) GTEST_SKIP() << "the proof of a stop is the death itself here";
  const victim held(host);
  holding_tracer tracer(held.pid);
  if (!tracer.holds()) GTEST_SKIP() << "this machine permits no tracing";
  held.task->cell->request(reason::user{});
  const auto receipt = std::get<job_stopped>(held.task->wait()).receipt;
  wait_until([&] { return host.pool.status().idle == 3; });
  EXPECT_FALSE(receipt->get().reclaimed) << "its death may have been the reason";
  tracer.let_go();
}

TEST_F(Shutdown, IsNotTheOnlyThingAProcessThatWouldNotDieCannotHoldUp) {
  pool_host host({.workers = 2});
  if (host.warden.proof() != stop_proof::barrier) GTEST_SKIP() << "the proof of a stop is the death itself here";
  const victim held(host);
  holding_tracer tracer(held.pid);
  if (!tracer.holds()) GTEST_SKIP() << "this machine permits no tracing";
  held.task->cell->request(reason::user{});
  const auto receipt = std::get<job_stopped>(held.task->wait()).receipt;
  for (int i = 0; i < 5; ++i) {  // others are stopped beside it, and the pool is whole but for the dead one's memory
    const victim next(host);
    next.task->cell->request(reason::user{});
    EXPECT_TRUE(std::holds_alternative<job_stopped>(next.task->wait()));
  }
  wait_until([&] { return host.pool.status().idle == 3 && host.pool.status().unreclaimed == 1; });
  EXPECT_FALSE(receipt->get().reclaimed);
  tracer.let_go();
  wait_until([&] { return receipt->get().reclaimed.has_value(); });
  wait_until([&] { return host.pool.status().unreclaimed == 0; });
}

}  // namespace
}  // namespace workit::test
