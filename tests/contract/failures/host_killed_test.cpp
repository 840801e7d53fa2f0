// The host is killed in each of its states: none of its processes lives a second later. (T4)
#include <poll.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <random>
#include <workit/base/unique_fd.hpp>

#include "failures.hpp"
#include "host_program.hpp"

namespace workit::test {
namespace {

class HostKilled : public failures_test, public testing::WithParamInterface<const char*> {
 protected:
  static std::vector<pid_t> pids_below(pid_t host) {
    std::vector<pid_t> pids{host};
    for (const auto& p : processes_below(host)) pids.push_back(p.pid);
    return pids;
  }
  static std::string alive_among(const std::vector<pid_t>& pids) {
    std::string alive;
    for (const auto& p : all_processes())
      if (p.state != 'Z' && std::find(pids.begin(), pids.end(), p.pid) != pids.end())
        alive += p.name + " " + std::to_string(p.pid) + " ";
    return alive;
  }
  /// Asserts the bound, and ends the processes that have broken it.
  static void expect_gone(const std::vector<pid_t>& pids) {
    const auto killed = machine::now();
    eventually([&] { return alive_among(pids).empty(); });
    EXPECT_LT(machine::now() - killed, bound(1s));
    EXPECT_EQ(alive_among(pids), "");
    for (const auto pid : pids)
      if (is_alive(pid)) kill(pid, SIGKILL);
  }
};

TEST_P(HostKilled, TakesEverythingBelowItAlongWithinASecond) {
  for (int run = 0; run < 3; ++run) {
    const marker_folder fresh;
    host_program host(failing_host(GetParam(), fresh.path()));
    ASSERT_TRUE(eventually([&] { return fresh.has("ready"); }));
    std::this_thread::sleep_for(std::chrono::milliseconds(5 * run));
    const auto pids = pids_below(host.pid());
    EXPECT_GE(pids.size(), 3u) << "the host, its zygote, its host watcher";
    kill(host.pid(), SIGKILL);
    expect_gone(pids);
  }
}

INSTANTIATE_TEST_SUITE_P(Being, HostKilled,
                         testing::Values("idle", "in_preload", "spinning", "sending", "stopping",
                                         "last_of_four_in_preload", "opening", "reloading"),
                         [](const auto& tested) { return std::string(tested.param); });

class HostKilledAnyTime : public HostKilled {};

// A stopped process takes no signal but SIGKILL and SIGCONT.
TEST_F(HostKilledAnyTime, TakesAZygoteAlongThatWasStopped) {
  host_program host(failing_host("idle", markers.path()));
  ASSERT_TRUE(eventually([&] { return markers.has("ready"); }));
  const auto below = processes_below(host.pid());
  const auto zygote = std::find_if(below.begin(), below.end(), [](const auto& p) { return p.name == "workit-zygote"; });
  ASSERT_NE(zygote, below.end());
  const auto pids = pids_below(host.pid());
  kill(zygote->pid, SIGSTOP);
  kill(host.pid(), SIGKILL);
  expect_gone(pids);
}

// From before its exec to the midst of its work. Its last processes are found by name: they may have been born later
// than any list of ours.
TEST_F(HostKilledAnyTime, LeavesNoProcess) {
  std::mt19937_64 random(seed());
  prctl(PR_SET_CHILD_SUBREAPER, 1);  // so that a process that is left becomes a child of this one
  for (int run = 0; run < 15; ++run) {
    const marker_folder fresh;
    host_program host(failing_host("spinning", fresh.path()));
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 120'000));
    kill(host.pid(), SIGKILL);
    host.wait();
    const auto killed = machine::now();
    EXPECT_TRUE(eventually([] {
      while (waitpid(-1, nullptr, WNOHANG) > 0) {
      }
      return processes_below().empty();
    }));
    EXPECT_LT(machine::now() - killed, bound(1s));
  }
  prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST_F(HostKilledAnyTime, ControlArmAChildThatIsNotWatchedLivesOn) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  const pid_t parent = fork();
  if (parent == 0) {
    if (fork() == 0)
      for (;;) pause();
    for (;;) pause();
  }
  ASSERT_TRUE(eventually([&] { return processes_below(parent).size() == 1; }));
  const auto child = processes_below(parent).at(0).pid;
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  std::this_thread::sleep_for(1s);
  EXPECT_TRUE(is_alive(child));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  prctl(PR_SET_CHILD_SUBREAPER, 0);
}

/// Holds a process in its exit until it is let go: this thread has asked the kernel to be told of the exit, and does
/// not answer (ptrace(2), PTRACE_EVENT_EXIT). Its memory and its descriptors stay, and its pidfd tells nothing.
class exit_holder {
 public:
  explicit exit_holder(pid_t process)
      : process_(process), holds_(ptrace(PTRACE_SEIZE, process, nullptr, PTRACE_O_TRACEEXIT) == 0) {}
  ~exit_holder() {
    int status = 0;
    while (holds_ && waitpid(process_, &status, __WALL) == process_ && WIFSTOPPED(status) &&
           status >> 8 != (SIGTRAP | PTRACE_EVENT_EXIT << 8)) {
    }
    if (holds_) ptrace(PTRACE_CONT, process_, nullptr, nullptr);
  }
  exit_holder(const exit_holder&) = delete;
  exit_holder& operator=(const exit_holder&) = delete;
  [[nodiscard]] bool holds() const { return holds_; }

 private:
  const pid_t process_;
  const bool holds_;
};

// The host watcher is notified before the host's memory is freed; sockets and pidfds are closed after that. How long
// the kernel frees memory is another matter on each machine: here it does not begin, since a thread of the host is
// held.
TEST_F(HostKilledAnyTime, WithMuchMemoryLosesItsWorkersBeforeItsMemory) {
  host_program host(failing_host("spinning", markers.path()));
  ASSERT_TRUE(eventually([&] { return markers.has("ready"); }, bound(30s)));
  pid_t worker = 0;
  ASSERT_TRUE(eventually([&] { return static_cast<bool>(std::ifstream(markers.file("ready")) >> worker); }));
  const unique_fd host_exit(static_cast<int>(syscall(SYS_pidfd_open, host.pid(), 0)));
  const unique_fd worker_exit(static_cast<int>(syscall(SYS_pidfd_open, worker, 0)));
  const exit_holder memory(host.pid());
  if (!memory.holds()) GTEST_SKIP() << "this process may not trace its child";
  kill(host.pid(), SIGKILL);
  pollfd exits[] = {{worker_exit.get(), POLLIN, 0}, {host_exit.get(), POLLIN, 0}};
  poll(exits, 1, 10'000 * WORKIT_TEST_SLOWNESS);
  EXPECT_NE(exits[0].revents, 0) << "the workers wait for the host's memory";
  EXPECT_EQ(poll(exits + 1, 1, 0), 0) << "the control arm: the host has its memory still";
}

// A forked child has the host's end of the zygote's socket, so that its end is never seen; the host watcher needs none.
TEST_F(HostKilledAnyTime, WithAChildThatWasForkedWithoutExecTakesItsWorkersAlong) {
  host_program host(failing_host("forked", markers.path()));
  ASSERT_TRUE(eventually([&] { return markers.has("ready"); }));
  auto pids = pids_below(host.pid());
  const auto heir = std::find_if(pids.begin() + 1, pids.end(), [&](pid_t pid) {
    std::ifstream name("/proc/" + std::to_string(pid) + "/comm");
    std::string is;
    return std::getline(name, is) && !is.starts_with("workit-");
  });
  ASSERT_NE(heir, pids.end());
  const auto heir_pid = *heir;
  pids.erase(heir);
  kill(host.pid(), SIGKILL);
  expect_gone(pids);
  EXPECT_TRUE(is_alive(heir_pid)) << "the control arm: it kept the socket open";
  kill(heir_pid, SIGKILL);
}

}  // namespace
}  // namespace workit::test
