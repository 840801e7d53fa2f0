// filter_program: the list of system calls, compiled to BPF.
//
// Invariants
// 1. A call that is not in the list is announced and not run: the list can be too short, never too long by mistake.
// 2. Only values are inspected, never memory: what a pointer points at could change after the look.
#include "filter_program.hpp"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <utility>

namespace workit::workers {

#if defined(__x86_64__)
namespace {

/// Calls of the x32 interface carry this bit; none of ours does.
constexpr unsigned x32_bit = 0x4000'0000;

/// A program under construction. Each rule ends in a verdict, so the order of rules does not matter.
class program {
 public:
  /// `elsewhere`: the verdict on calls by another interface, i386 or x32.
  explicit program(unsigned elsewhere) {
    load(offsetof(seccomp_data, arch));
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0));
    verdict(elsewhere);
    load(offsetof(seccomp_data, nr));
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, x32_bit, 0, 1));
    verdict(elsewhere);
  }

  void rule(std::initializer_list<int> calls, unsigned action) {
    for (const int call : calls) {
      when(call, 1);
      verdict(action);
    }
  }
  void allow(std::initializer_list<int> calls) { rule(calls, SECCOMP_RET_ALLOW); }
  void fail(int error, std::initializer_list<int> calls) { rule(calls, fails_with(error)); }

  /// Allowed when the low half of an argument, which is all the kernel reads of an int, is one of `values`.
  void allow_when(int call, unsigned argument, std::initializer_list<int> values, unsigned otherwise) {
    when(call, static_cast<unsigned char>(2 + 2 * values.size()));
    load(offset_of(argument));
    for (const auto value : values) {
      code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(value), 0, 1));
      verdict(SECCOMP_RET_ALLOW);
    }
    verdict(otherwise);
  }
  /// Allowed when the argument has one of the bits.
  void allow_with_bits(int call, unsigned argument, unsigned bits, unsigned otherwise) {
    when(call, 4);
    load(offset_of(argument));
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1));
    verdict(SECCOMP_RET_ALLOW);
    verdict(otherwise);
  }

  /// `otherwise`: the verdict on a call that no rule names.
  std::vector<sock_filter> finish(unsigned otherwise) {
    verdict(otherwise);
    return std::move(code_);
  }

  static constexpr unsigned fails_with(int error) noexcept {
    return SECCOMP_RET_ERRNO | (static_cast<unsigned>(error) & SECCOMP_RET_DATA);
  }

 private:
  static constexpr unsigned offset_of(unsigned argument) noexcept {
    return static_cast<unsigned>(offsetof(seccomp_data, args)) + 8 * argument;  // little endian: the low half
  }
  void load(std::size_t offset) { code_.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(offset))); }
  void when(int call, unsigned char body) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, body));
  }
  void verdict(unsigned action) { code_.push_back(BPF_STMT(BPF_RET | BPF_K, action)); }

  std::vector<sock_filter> code_;
};

void allow_computing(program& f) {
  f.allow({SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise, SYS_brk, SYS_mincore, SYS_mlock, SYS_munlock});
  // Files of memory, which are all that a task can have beside its channel.
  f.allow({SYS_memfd_create, SYS_ftruncate, SYS_fallocate, SYS_fstat, SYS_lseek, SYS_close, SYS_close_range});
  f.allow({SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64});
  f.allow({SYS_futex, SYS_futex_waitv, SYS_sched_yield, SYS_sched_getaffinity, SYS_getcpu, SYS_membarrier, SYS_rseq,
           SYS_set_robust_list, SYS_get_robust_list, SYS_set_tid_address, SYS_exit, SYS_exit_group, SYS_wait4});
  f.allow({SYS_clock_gettime, SYS_clock_getres, SYS_gettimeofday, SYS_time, SYS_times, SYS_getrusage,
           SYS_clock_nanosleep, SYS_nanosleep, SYS_pause, SYS_poll, SYS_ppoll, SYS_select, SYS_pselect6,
           SYS_timer_settime, SYS_timer_gettime, SYS_setitimer, SYS_restart_syscall, SYS_getrandom});
  // What a task's own scope waits with.
  f.allow({SYS_eventfd2, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_wait, SYS_epoll_pwait, SYS_timerfd_create,
           SYS_timerfd_settime, SYS_timerfd_gettime});
  f.allow({SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_rt_sigpending, SYS_rt_sigtimedwait,
           SYS_rt_sigsuspend, SYS_sigaltstack});
  f.allow({SYS_getpid, SYS_gettid, SYS_getppid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_getpgrp,
           SYS_getpgid, SYS_getsid, SYS_uname, SYS_getrlimit});
}

void fail_softly(program& f) {
  f.fail(ENOTTY, {SYS_ioctl});
  f.fail(EACCES, {SYS_stat, SYS_lstat, SYS_newfstatat, SYS_statx, SYS_access, SYS_faccessat, SYS_faccessat2,
                  SYS_readlink, SYS_readlinkat, SYS_getcwd});
  f.fail(EPERM,
         {SYS_sysinfo, SYS_sched_setaffinity, SYS_sched_setscheduler, SYS_sched_getscheduler, SYS_sched_getparam,
          SYS_sched_setparam, SYS_sched_getattr, SYS_sched_setattr, SYS_setpriority, SYS_getpriority, SYS_arch_prctl});
  f.fail(ENOSYS, {SYS_mbind, SYS_set_mempolicy, SYS_get_mempolicy, SYS_move_pages, SYS_mlock2, SYS_pkey_alloc,
                  SYS_clone3});  // clone3's flags lie in memory; glibc goes on to clone
}

}  // namespace

std::vector<sock_filter> compute_only_program(std::initializer_list<int> sockets) {
  constexpr unsigned announce = SECCOMP_RET_USER_NOTIF;
  constexpr unsigned refuse = program::fails_with(EPERM);
  const int self = ::getpid();
  program f(announce);
  allow_computing(f);
  fail_softly(f);
  f.allow_with_bits(SYS_clone, 0, CLONE_THREAD, announce);
  f.allow_when(SYS_kill, 0, {self}, announce);
  f.allow_when(SYS_tgkill, 0, {self}, announce);
  f.allow_when(SYS_prlimit64, 0, {0, self}, announce);
  f.allow_when(SYS_prctl, 0, {PR_SET_NAME, PR_GET_NAME}, refuse);
  f.allow_when(SYS_fcntl, 1, {F_GETFD, F_SETFD, F_GETFL, F_ADD_SEALS, F_GET_SEALS}, refuse);
  for (const int call : {SYS_sendmsg, SYS_sendto, SYS_recvmsg}) f.allow_when(call, 0, sockets, announce);
  return f.finish(announce);
}

std::vector<sock_filter> no_children_program() {
  program f(program::fails_with(ENOSYS));
  f.fail(EAGAIN, {SYS_fork, SYS_vfork});
  f.fail(ENOSYS, {SYS_clone3});
  f.allow_with_bits(SYS_clone, 0, CLONE_THREAD, program::fails_with(EAGAIN));
  return f.finish(SECCOMP_RET_ALLOW);
}

#else

std::vector<sock_filter> compute_only_program(std::initializer_list<int>) { return {}; }

std::vector<sock_filter> no_children_program() { return {}; }

#endif

}  // namespace workit::workers
