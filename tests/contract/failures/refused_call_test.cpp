// The kernel, or a container's filter, refuses one system call after the other: the pool works all the same, or its
// start says which call it needs; nothing hangs and nothing is left.
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <workit/base/unique_fd.hpp>

#include "failures.hpp"
#include "host_program.hpp"

namespace workit::test {
namespace {

struct refused_call {
  const char* name;
  long number;
};

#define WORKIT_CALL(name) \
  refused_call { #name, SYS_##name }
/// Those that host, zygote and workers make themselves. Not here is what no program starts without: read, write, close,
/// openat, mmap, mprotect, munmap, brk, fstat, newfstatat, futex, rt_sigaction, rt_sigprocmask, execve, exit, and the
/// creation of threads and processes by clone and clone3.
constexpr refused_call calls[] = {
    WORKIT_CALL(memfd_create),
    WORKIT_CALL(ftruncate),
    WORKIT_CALL(fallocate),
    WORKIT_CALL(pwrite64),
    WORKIT_CALL(pread64),
    WORKIT_CALL(lseek),
    WORKIT_CALL(fcntl),
    WORKIT_CALL(dup),
    WORKIT_CALL(dup2),
    WORKIT_CALL(pipe2),
    WORKIT_CALL(close_range),
    WORKIT_CALL(socketpair),
    WORKIT_CALL(sendmsg),
    WORKIT_CALL(recvmsg),
    WORKIT_CALL(getsockopt),
    WORKIT_CALL(eventfd2),
    WORKIT_CALL(epoll_create1),
    WORKIT_CALL(epoll_ctl),
    WORKIT_CALL(epoll_wait),
    WORKIT_CALL(poll),
    WORKIT_CALL(timerfd_create),
    WORKIT_CALL(timerfd_settime),
    WORKIT_CALL(signalfd4),
    WORKIT_CALL(timer_create),
    WORKIT_CALL(timer_settime),
    WORKIT_CALL(timer_delete),
    WORKIT_CALL(setitimer),
    WORKIT_CALL(pidfd_open),
    WORKIT_CALL(pidfd_send_signal),
    WORKIT_CALL(kill),
    WORKIT_CALL(tgkill),
    WORKIT_CALL(wait4),
    WORKIT_CALL(waitid),
    WORKIT_CALL(membarrier),
    WORKIT_CALL(futex_waitv),
    WORKIT_CALL(prctl),
    WORKIT_CALL(setsid),
    WORKIT_CALL(getppid),
    WORKIT_CALL(getrusage),
    WORKIT_CALL(prlimit64),
    WORKIT_CALL(setpriority),
    WORKIT_CALL(getpriority),
    WORKIT_CALL(sched_setscheduler),
    WORKIT_CALL(sched_getscheduler),
    WORKIT_CALL(sched_setparam),
    WORKIT_CALL(sched_setaffinity),
    WORKIT_CALL(sched_getaffinity),
    WORKIT_CALL(sigaltstack),
    WORKIT_CALL(readlink),
    WORKIT_CALL(getdents64),
    WORKIT_CALL(madvise),
    WORKIT_CALL(mremap),
    WORKIT_CALL(ppoll),
};
#undef WORKIT_CALL

class RefusedCall : public failures_test {
 protected:
  RefusedCall() { prctl(PR_SET_CHILD_SUBREAPER, 1); }  // what a host leaves becomes a child of this process
  ~RefusedCall() override { prctl(PR_SET_CHILD_SUBREAPER, 0); }

  /// What is wrong with that host; empty when nothing is.
  std::string wrong_without(const refused_call& call, int error) {
    host_program host({WORKIT_REFUSING_HOST, std::to_string(call.number), std::to_string(error)});
    const unique_fd exit(static_cast<int>(syscall(SYS_pidfd_open, host.pid(), 0)));
    pollfd ended{exit.get(), POLLIN, 0};
    std::string wrong;
    if (poll(&ended, 1, static_cast<int>(bound(20s).count())) != 1) {
      wrong = "hangs";
      kill(host.pid(), SIGKILL);
    }
    const int code = host.wait();
    if (wrong.empty() && code != 0) wrong = "ends with " + std::to_string(code);
    const bool gone = eventually(
        [] {
          while (waitpid(-1, nullptr, WNOHANG) > 0) {
          }
          return processes_below().empty();
        },
        bound(3s));
    for (const auto& left : processes_below()) {
      kill(left.pid, SIGKILL);
      waitpid(left.pid, nullptr, 0);
      wrong += "; leaves " + left.name;
    }
    if (!gone) eventually([] { return processes_below().empty(); });
    if (!wrong.empty()) return wrong;
    const auto said = host.said();
    if (said.find(call.name) != std::string::npos) ++named_;
    return said == "works\n" || said.find(call.name) != std::string::npos ? "" : "says: " + said;
  }

  int named_ = 0;  // how often a sentence has named the call
};

TEST_F(RefusedCall, LeavesAWorkingPoolOrASentenceThatNamesIt) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP()
      << "a sanitizer makes such calls itself: LeakSanitizer waits for its own helper by wait4, for ever where "
         "that is refused";
#endif
  std::string all;
  for (const auto& call : calls)
    for (const int error : {EPERM, ENOSYS})
      if (const auto wrong = wrong_without(call, error); !wrong.empty())
        all += std::string(call.name) + " with " + strerrorname_np(error) + ": " + wrong + "\n";
  EXPECT_EQ(all, "");
  EXPECT_GE(named_, 2 * 20) << "control arm: without these calls nothing works";
}

}  // namespace
}  // namespace workit::test
