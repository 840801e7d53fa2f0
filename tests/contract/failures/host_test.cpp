// Hosts in unusual places: without rights, as process 1, signalled, traced, with a wall clock that jumps. (T5, T14,
// T17, T23)
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "failures.hpp"
#include "host_program.hpp"

namespace workit::test {
namespace {

class Host : public failures_test {};

TEST_F(Host, ThatDropsItsPrivilegesAfterThePoolExistsStopsAndReclaimsAllTheSame) {
  if (geteuid() != 0) GTEST_SKIP() << "only root has privileges to drop";
  host_program host(failing_host("without_privileges"));
  EXPECT_EQ(host.said(), "");
  EXPECT_EQ(host.wait(), 0);
}

bool can_unshare(std::vector<std::string>& how, const std::string& more = {}) {
  for (const auto& with : {std::vector<std::string>{"unshare", "--pid", "--fork", "--kill-child"},
                           {"unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"}}) {
    std::string words;
    for (const auto& w : with) words += w + " ";
    if (std::system((words + more + " true 2>/dev/null").c_str()) != 0) continue;
    how = with;
    return true;
  }
  return false;
}

TEST_F(Host, MayBeProcessOneOfItsNamespace) {
  std::vector<std::string> command;
  if (!can_unshare(command, "--mount-proc"))
    GTEST_SKIP() << "this user cannot make a PID namespace with a /proc of its own";
  command.emplace_back("--mount-proc");
  host_program host(failing_host("everything", {}, command));
  EXPECT_EQ(host.said(), "");
  EXPECT_EQ(host.wait(), 0);
}

// That /proc shows the pids of another namespace: the pool must not take them for its own children's.
TEST_F(Host, MayBeProcessOneBelowTheProcOfAnotherNamespace) {
  std::vector<std::string> command;
  if (!can_unshare(command)) GTEST_SKIP() << "this machine permits no PID namespace";
  host_program host(failing_host("everything", {}, command));
  EXPECT_EQ(host.said(), "");
  EXPECT_EQ(host.wait(), 0);
}

/// Since Linux 6.14 each PID namespace has a pid_max of its own; before, this would change the machine's.
bool pid_max_is_the_namespaces() {
  utsname kernel{};
  unsigned major = 0, minor = 0;
  return uname(&kernel) == 0 && std::sscanf(kernel.release, "%u.%u", &major, &minor) == 2 &&
         (major > 6 || (major == 6 && minor >= 14));
}

// (T14)
TEST_F(Host, WhosePidsComeRoundAgainNeverStopsABystander) {
  std::vector<std::string> command;
  if (geteuid() != 0 || !can_unshare(command, "--mount-proc"))
    GTEST_SKIP() << "this user cannot make a PID namespace with a /proc of its own";
  if (!pid_max_is_the_namespaces()) GTEST_SKIP() << "before Linux 6.14 a small pid_max is the whole machine's";
  command.emplace_back("--mount-proc");
  host_program host(failing_host("few_pids", {}, command));
  EXPECT_EQ(host.said(), "");
  EXPECT_EQ(host.wait(), 0);
}

// (T23)
TEST_F(Host, WhoseWallClockJumpsKeepsItsDeadlines) {
  host_program host({WORKIT_STEPPING_CLOCK_HOST});
  EXPECT_EQ(host.said(), "");
  EXPECT_EQ(host.wait(), 0);
}

TEST_F(Host, KeepsTheSignalsOfItsGroupToItself) {
  host_program host(failing_host("in_a_group", markers.path()));
  EXPECT_EQ(host.said(), "");
  EXPECT_EQ(host.wait(), 0);
}

// PDEATHSIG would be that of the thread. (T5)
TEST_F(Host, MayLetTheThreadEndThatMadeItsPool) {
  std::unique_ptr<runtime> rt;
  pid_t bystander = 0;
  std::thread([&] {
    rt = std::make_unique<runtime>(runtime_options{}, processes({.workers = 2, .spares = 1}));
    bystander = fork();
    if (bystander == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      for (;;) pause();
    }
    std::this_thread::sleep_for(50ms);
  }).join();
  int status = 0;
  waitpid(bystander, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the control arm: what was tied to the thread is gone";
  const auto worker = rt->run([](scope& s) { return offload({}, [] { return getpid(); })(s); });
  EXPECT_TRUE(is_alive(worker));
  EXPECT_EQ(rt->run([](scope& s) { return exercise(s); }), "");
  EXPECT_EQ(pool_of(*rt).status().zygotes, 1u);
}

/// What a host may do with SIGCHLD and its own children. (T13)
enum class children { ignored, not_waited_for, reaped_by_a_handler, reaped_by_a_thread };

class HostWithChildren : public failures_test, public testing::WithParamInterface<children> {};

TEST_P(HostWithChildren, HasNoneOfOursLeft) {
  struct sigaction action {
  }, before{};
  action.sa_handler = GetParam() == children::ignored ? SIG_IGN : SIG_DFL;
  if (GetParam() == children::not_waited_for) action.sa_flags = SA_NOCLDWAIT;
  if (GetParam() == children::reaped_by_a_handler)
    action.sa_handler = [](int) {
      const int kept = errno;
      while (waitpid(-1, nullptr, WNOHANG) > 0) {
      }
      errno = kept;
    };
  sigaction(SIGCHLD, &action, &before);
  {
    std::atomic<bool> over{false};
    std::thread reaper([&] {
      while (GetParam() == children::reaped_by_a_thread && !over)
        if (waitpid(-1, nullptr, WNOHANG) <= 0) std::this_thread::sleep_for(100us);
    });
    runtime rt({}, processes({.workers = 2, .spares = 1}));
    for (int n = 0; n < 3; ++n) EXPECT_EQ(rt.run([](scope& s) { return exercise(s); }), "");
    const auto zygote = pool_of(rt).status().zygote;
    kill(zygote, SIGKILL);
    EXPECT_TRUE(eventually([&] { return pool_of(rt).status().zygotes == 2; })) << "the zygote's end was not noticed";
    EXPECT_TRUE(eventually([&] {
      return rt.run([](scope& s) { return how(s.spawn({.background = true}, adds_up).result()); }) == "value";
    }));
    EXPECT_FALSE(is_alive(zygote));
    over = true;
    reaper.join();
  }
  sigaction(SIGCHLD, &before, nullptr);
  for (const auto& p : processes_below()) EXPECT_NE(p.state, 'Z') << p.name;
}

std::string name_of_children(const testing::TestParamInfo<children>& tested) {
  static constexpr std::array names{"AreIgnored", "AreNotWaitedFor", "AHandlerReaps", "AThreadReaps"};
  return names[static_cast<std::size_t>(tested.param)];
}
INSTANTIATE_TEST_SUITE_P(That, HostWithChildren,
                         testing::Values(children::ignored, children::not_waited_for, children::reaped_by_a_handler,
                                         children::reaped_by_a_thread),
                         name_of_children);

/// Traces every thread of a process, as a debugger does.
class tracer {
 public:
  explicit tracer(pid_t pid) {
    for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
      const auto tid = static_cast<pid_t>(std::stoi(entry.path().filename().string()));
      if (ptrace(PTRACE_SEIZE, tid, nullptr, nullptr) == 0) threads_.push_back(tid);
    }
  }
  [[nodiscard]] std::size_t threads() const { return threads_.size(); }
  /// How many of them stand still now.
  std::size_t stop() const {
    std::size_t stopped = 0;
    for (const auto tid : threads_) ptrace(PTRACE_INTERRUPT, tid, nullptr, nullptr);
    for (const auto tid : threads_) {
      int status = 0;
      stopped += waitpid(tid, &status, __WALL) == tid && WIFSTOPPED(status);
    }
    return stopped;
  }
  void resume(bool for_good = false) const {
    for (const auto tid : threads_) ptrace(for_good ? PTRACE_DETACH : PTRACE_CONT, tid, nullptr, nullptr);
  }

 private:
  std::vector<pid_t> threads_;
};

TEST_F(Host, StoppedByADebuggerGoesOnWhereItWas) {
  host_program host(failing_host("until_told", markers.path()));
  ASSERT_TRUE(eventually([&] { return markers.has("ready"); }));
  const tracer debugger(host.pid());
  if (debugger.threads() == 0) GTEST_SKIP() << "this machine permits no tracing";
  for (int round = 0; round < 20; ++round) {
    EXPECT_EQ(debugger.stop(), debugger.threads()) << "the control arm: it stands still";
    std::this_thread::sleep_for(30ms);
    debugger.resume(round == 19);
    std::this_thread::sleep_for(10ms);
  }
  leave_marker(markers.file("enough"));
  EXPECT_EQ(host.said(), "");
  EXPECT_EQ(host.wait(), 0);
}

}  // namespace
}  // namespace workit::test
