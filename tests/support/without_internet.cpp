// without_internet PROGRAM [ARGUMENT ...]: runs a program that is killed by the kernel at its first attempt to make a
// socket of the Internet (socket(2) with AF_INET or AF_INET6); its children inherit that. Exits with the program's
// status, or with 99 and a sentence when that happened. Sources: seccomp(2), linux/seccomp.h.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdio>

namespace {

#if !defined(__x86_64__)
#error "the numbers of system calls below are those of x86-64"
#endif

constexpr sock_filter load(std::size_t at) { return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<__u32>(at)); }
constexpr sock_filter skip_unless(__u32 value, __u8 steps) {
  return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, steps);
}
constexpr sock_filter answer(__u32 what) { return BPF_STMT(BPF_RET | BPF_K, what); }

bool forbid() {
  // The low half of the first argument: little-endian, and a family is an int.
  std::array program{load(offsetof(seccomp_data, arch)), skip_unless(AUDIT_ARCH_X86_64, 7),
                     load(offsetof(seccomp_data, nr)),   skip_unless(__NR_socket, 5),
                     load(offsetof(seccomp_data, args)), skip_unless(AF_INET, 1),
                     answer(SECCOMP_RET_KILL_PROCESS),   skip_unless(AF_INET6, 1),
                     answer(SECCOMP_RET_KILL_PROCESS),   answer(SECCOMP_RET_ALLOW)};
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: without_internet PROGRAM [ARGUMENT ...]\n");
    return 2;
  }
  const pid_t child = fork();
  if (child == 0) {
    if (!forbid())
      std::perror("seccomp");
    else
      execv(argv[1], argv + 1), std::perror(argv[1]);
    _exit(98);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) {
    std::perror("without_internet");
    return 98;
  }
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
    std::fprintf(stderr, "%s tried to make a socket of the Internet\n", argv[1]);
    return 99;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 97;
}
