// The filters, run by an interpreter of the classic BPF that they use (seccomp(2)).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filter_program.hpp>
#include <stdexcept>

namespace workit::workers {
namespace {

#if defined(__x86_64__)

unsigned verdict_of(const std::vector<sock_filter>& program, const seccomp_data& call) {
  std::uint32_t accumulator = 0;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const auto& op = program[at];
    const auto jump = [&](bool taken) { at += taken ? op.jt : op.jf; };
    switch (op.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        std::memcpy(&accumulator, reinterpret_cast<const char*>(&call) + op.k, sizeof accumulator);
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        jump(accumulator == op.k);
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        jump(accumulator >= op.k);
        break;
      case BPF_JMP | BPF_JSET | BPF_K:
        jump((accumulator & op.k) != 0);
        break;
      case BPF_RET | BPF_K:
        return op.k;
      default:
        throw std::logic_error("an instruction that the interpreter does not know");
    }
  }
  throw std::logic_error("the program ends without a verdict");
}

seccomp_data call(int number, std::uint64_t first = 0, std::uint64_t second = 0) {
  return {.nr = number, .arch = AUDIT_ARCH_X86_64, .instruction_pointer = 0, .args = {first, second}};
}

constexpr unsigned fails_with(int error) { return SECCOMP_RET_ERRNO | static_cast<unsigned>(error); }

class ComputeOnly : public testing::Test {
 protected:
  [[nodiscard]] unsigned verdict(int number, std::uint64_t first = 0, std::uint64_t second = 0) const {
    return verdict_of(program_, call(number, first, second));
  }
  const std::vector<sock_filter> program_ = compute_only_program({5, 6});
};

TEST_F(ComputeOnly, AllowsComputing) {
  for (const int number : {SYS_mmap, SYS_munmap, SYS_futex, SYS_clock_gettime, SYS_exit_group, SYS_write, SYS_getpid})
    EXPECT_EQ(verdict(number), SECCOMP_RET_ALLOW) << number;
}

TEST_F(ComputeOnly, AnnouncesWhatIsNotInTheList) {
  for (const int number : {SYS_open, SYS_openat, SYS_socket, SYS_execve, SYS_fork, SYS_ptrace, SYS_mount, 100'000})
    EXPECT_EQ(verdict(number), SECCOMP_RET_USER_NOTIF) << number;
}

TEST_F(ComputeOnly, AnnouncesCallsByAnotherInterface) {
  auto x32 = call(SYS_write | 0x4000'0000), i386 = call(SYS_write);
  i386.arch = AUDIT_ARCH_I386;
  EXPECT_EQ(verdict_of(program_, x32), SECCOMP_RET_USER_NOTIF);
  EXPECT_EQ(verdict_of(program_, i386), SECCOMP_RET_USER_NOTIF);
}

TEST_F(ComputeOnly, RefusesHarmlessQuestions) {
  EXPECT_EQ(verdict(SYS_ioctl), fails_with(ENOTTY));
  EXPECT_EQ(verdict(SYS_newfstatat), fails_with(EACCES));
  EXPECT_EQ(verdict(SYS_sysinfo), fails_with(EPERM));
  EXPECT_EQ(verdict(SYS_clone3), fails_with(ENOSYS));
}

TEST_F(ComputeOnly, AllowsThreadsAndNoProcesses) {
  EXPECT_EQ(verdict(SYS_clone, CLONE_VM | CLONE_THREAD), SECCOMP_RET_ALLOW);
  EXPECT_EQ(verdict(SYS_clone, CLONE_VM), SECCOMP_RET_USER_NOTIF);
}

TEST_F(ComputeOnly, AllowsSignalsToItselfOnly) {
  EXPECT_EQ(verdict(SYS_kill, static_cast<std::uint64_t>(::getpid())), SECCOMP_RET_ALLOW);
  EXPECT_EQ(verdict(SYS_kill, 1), SECCOMP_RET_USER_NOTIF);
  EXPECT_EQ(verdict(SYS_tgkill, 1), SECCOMP_RET_USER_NOTIF);
}

TEST_F(ComputeOnly, AllowsPacketsOnItsOwnSocketsOnly) {
  EXPECT_EQ(verdict(SYS_sendmsg, 5), SECCOMP_RET_ALLOW);
  EXPECT_EQ(verdict(SYS_recvmsg, 6), SECCOMP_RET_ALLOW);
  EXPECT_EQ(verdict(SYS_sendmsg, 7), SECCOMP_RET_USER_NOTIF);
}

TEST_F(ComputeOnly, LooksAtTheLowHalfOfAnArgument) {
  EXPECT_EQ(verdict(SYS_sendmsg, (std::uint64_t{1} << 32) + 5), SECCOMP_RET_ALLOW) << "all that the kernel reads";
}

TEST_F(ComputeOnly, AllowsAFewCommandsOfFcntlAndPrctl) {
  EXPECT_EQ(verdict(SYS_fcntl, 0, F_ADD_SEALS), SECCOMP_RET_ALLOW);
  EXPECT_EQ(verdict(SYS_fcntl, 0, F_DUPFD), fails_with(EPERM));
  EXPECT_EQ(verdict(SYS_prctl, PR_SET_NAME), SECCOMP_RET_ALLOW);
  EXPECT_EQ(verdict(SYS_prctl, PR_SET_DUMPABLE), fails_with(EPERM));
}

TEST(NoChildren, FailsForksAndAllowsAllElse) {
  const auto program = no_children_program();
  EXPECT_EQ(verdict_of(program, call(SYS_fork)), fails_with(EAGAIN));
  EXPECT_EQ(verdict_of(program, call(SYS_vfork)), fails_with(EAGAIN));
  EXPECT_EQ(verdict_of(program, call(SYS_clone)), fails_with(EAGAIN));
  EXPECT_EQ(verdict_of(program, call(SYS_clone, CLONE_THREAD)), SECCOMP_RET_ALLOW);
  EXPECT_EQ(verdict_of(program, call(SYS_clone3)), fails_with(ENOSYS)) << "libc goes on to clone";
  EXPECT_EQ(verdict_of(program, call(SYS_socket)), SECCOMP_RET_ALLOW);
}

#endif

}  // namespace
}  // namespace workit::workers
