// When the zygote, or the host itself, is killed.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <fstream>
#include <sstream>
#include <support/processes_below.hpp>
#include <support/temporary_directory.hpp>

#include "../pool/pool_host.hpp"
#include "../pool/run_program.hpp"

namespace workit::test {
namespace {

using namespace workers;

TEST(ZygoteKilled, ItsTaskIsLostWithItAndLaterTasksWork) {
  pool_host host({.workers = 1});
  const temporary_directory folder;
  const auto path = folder.file("begun");
  const auto task = host.submit(
      [](std::string begun) {
        std::ofstream(begun).put('x');
        for (;;) pause();
      },
      path);
  wait_until([&] { return access(path.c_str(), F_OK) == 0; });
  kill(host.pool.status().zygote, SIGKILL);
  EXPECT_EQ(std::get<job_lost>(task->wait()).zygote, "died of signal 9");
  EXPECT_EQ(host.call([] { return 5; }), 5);
  EXPECT_EQ(host.pool.status().zygotes, 2U);
  EXPECT_EQ(host.pool.status().zygote_failures, 1U);
}

// The brake is a least time, which a slow machine only makes longer: 10, 20, 40, 80, 160 and 320 ms between eight
// deaths in a row, of which the first is answered at once. The control arm is the end: with no process to kill, it
// works.
TEST(ZygoteKilled, AgainAndAgainIsBrakedAndThePoolComesBack) {
  pool_host host({.workers = 1});
  const auto begun = std::chrono::steady_clock::now();
  const auto task = host.submit([] {
    for (;;) pause();
  });
  pid_t last = 0;
  wait_until([&] {
    const auto s = host.pool.status();
    if (s.zygote != 0 && s.zygote != last) {
      kill(s.zygote, SIGKILL);
      last = s.zygote;
    }
    return s.zygote_failures >= 8;
  });
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 630ms);
  task->wait();
  EXPECT_EQ(task->times_settled(), 1);
  wait_until([&] {
    const auto next = host.submit([] { return 5; });
    return std::holds_alternative<job_value>(next->wait());
  });
}

TEST(WithoutInit, APoolRefusesAndSaysWhichLineToAdd) {
  const auto [said, status] = run_program(WORKIT_NO_INIT_PROGRAM);
  EXPECT_NE(said.find("Add `workit::init(argc, argv);` as the first line of main"), std::string::npos) << said;
  EXPECT_EQ(status, 0);
}

/// A host program, and all processes that it says it has.
struct doomed_host {
  doomed_host() {
    std::istringstream words(program.line());
    for (pid_t p = 0; words >> p;) reported.push_back(p);
    const auto all = [this] { return processes_below(program.pid()); };
    wait_until([&] { return all().size() > processes_of_pool(3); });  // the spare is the last to come
    for (const auto& p : all()) below.push_back(p.pid);
  }

  helper_program program{{WORKIT_SPINNING_HOST}};
  std::vector<pid_t> reported;  // two workers and a detached grandchild, all spinning
  std::vector<pid_t> below;     // these, and the rest of the pool
};

/// The names of those of `pids` that are alive, as text; empty when there are none.
std::string alive_among(const std::vector<pid_t>& pids) {
  std::string alive;
  for (const auto& p : all_processes())
    if (p.state != 'Z' && std::find(pids.begin(), pids.end(), p.pid) != pids.end())
      alive += p.name + " " + std::to_string(p.pid) + " (" + p.state + ", parent " + std::to_string(p.parent) + ") ";
  return alive;
}

/// Waits until none of `pids` is alive; after a time that no machine needs, names those that are, and ends them.
std::string survivors_of(const std::vector<pid_t>& pids) {
  const auto until = std::chrono::steady_clock::now() + 30s;
  auto alive = alive_among(pids);
  while (!alive.empty() && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(200us);
    alive = alive_among(pids);
  }
  if (!alive.empty())
    for (const pid_t pid : pids) kill(pid, SIGKILL);
  return alive;
}

TEST(HostKilled, EverythingBelowItIsGoneWithinASecond) {
  for (int run = 0; run < 20; ++run) {
    const doomed_host host;
    ASSERT_EQ(host.reported.size(), 3U);
    EXPECT_NE(alive_among(host.reported), "");
    const auto killed = std::chrono::steady_clock::now();
    kill(host.program.pid(), SIGKILL);
    auto pids = host.below;
    pids.insert(pids.end(), host.reported.begin(), host.reported.end());
    ASSERT_EQ(survivors_of(pids), "") << "in run " << run;
    const auto took = std::chrono::steady_clock::now() - killed;
    // The control arm is the time: without the host watcher and PDEATHSIG the spinners would spin for ever.
    EXPECT_LT(took, 1s * WORKIT_TEST_SLOWNESS);
  }
}

TEST(HostStopped, TheKernelEndsATaskAtItsDeadline) {
  const doomed_host host;
  ASSERT_EQ(host.reported.size(), 3U);
  kill(host.program.pid(), SIGSTOP);
  // The first reported worker's task has a deadline; the second's has not.
  wait_until([&] { return !is_alive(host.reported[0]); });
  EXPECT_TRUE(is_alive(host.reported[1]));
  kill(host.program.pid(), SIGKILL);
  EXPECT_EQ(survivors_of(host.below), "");
}

}  // namespace
}  // namespace workit::test
