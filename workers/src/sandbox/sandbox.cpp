// Sandbox: the list of system calls, compiled to the classic BPF that seccomp(2) takes.
//
// Invariants
// 1. A call that is not in the list is announced and not run: the list can be too short, never too long by mistake.
// 2. Only values are inspected, never memory: what a pointer points at could change after the look.
#include <workit/workers/sandbox.hpp>

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <vector>

#include "sandbox_filter.hpp"

namespace workit::workers {

#if defined(__x86_64__)
namespace {

/// Calls of the x32 interface carry this bit; none of ours does.
constexpr unsigned x32_bit = 0x4000'0000;

/// A filter in the making. Every rule ends in a verdict, so the order matters to nobody.
class filter {
 public:
  /// `elsewhere`: the verdict on calls by another interface, i386 or x32.
  explicit filter(unsigned elsewhere) {
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

  /// For all threads. -1 with errno, or what `flags` asks for.
  int install(unsigned last_verdict, unsigned flags) noexcept {
    verdict(last_verdict);
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    const sock_fprog program{static_cast<unsigned short>(code_.size()), code_.data()};
    return static_cast<int>(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program));
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

void drop_capabilities() noexcept {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[2]{};
  ::syscall(SYS_capset, &header, none);
}

void allow_computing(filter& f) {
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

void fail_softly(filter& f) {
  f.fail(ENOTTY, {SYS_ioctl});
  f.fail(EACCES, {SYS_stat, SYS_lstat, SYS_newfstatat, SYS_statx, SYS_access, SYS_faccessat, SYS_faccessat2,
                  SYS_readlink, SYS_readlinkat, SYS_getcwd});
  f.fail(EPERM, {SYS_sysinfo, SYS_sched_setaffinity, SYS_sched_setscheduler, SYS_sched_getscheduler, SYS_sched_getparam,
                 SYS_sched_setparam, SYS_setpriority, SYS_getpriority, SYS_arch_prctl});
  f.fail(ENOSYS, {SYS_mbind, SYS_set_mempolicy, SYS_get_mempolicy, SYS_move_pages, SYS_mlock2, SYS_pkey_alloc,
                  SYS_clone3});  // clone3's flags lie in memory; glibc goes on to clone
}

}  // namespace

int enter_compute_only(std::initializer_list<int> sockets) noexcept {
  drop_capabilities();
  try {
    constexpr unsigned announce = SECCOMP_RET_USER_NOTIF;
    constexpr unsigned refuse = filter::fails_with(EPERM);
    const int self = ::getpid();
    filter f(announce);
    allow_computing(f);
    fail_softly(f);
    f.allow_with_bits(SYS_clone, 0, CLONE_THREAD, announce);
    f.allow_when(SYS_kill, 0, {self}, announce);
    f.allow_when(SYS_tgkill, 0, {self}, announce);
    f.allow_when(SYS_prlimit64, 0, {0, self}, announce);
    f.allow_when(SYS_prctl, 0, {PR_SET_NAME, PR_GET_NAME}, refuse);
    f.allow_when(SYS_fcntl, 1, {F_GETFD, F_SETFD, F_GETFL, F_ADD_SEALS, F_GET_SEALS}, refuse);
    for (const int call : {SYS_sendmsg, SYS_sendto, SYS_recvmsg}) f.allow_when(call, 0, sockets, announce);
    return f.install(announce,
                     SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH);
  } catch (const std::bad_alloc&) {
    errno = ENOMEM;
    return -1;
  }
}

bool forbid_children() noexcept {
  try {
    constexpr unsigned refuse = filter::fails_with(EAGAIN);
    filter f(filter::fails_with(ENOSYS));
    f.fail(EAGAIN, {SYS_fork, SYS_vfork});
    f.fail(ENOSYS, {SYS_clone3});
    f.allow_with_bits(SYS_clone, 0, CLONE_THREAD, refuse);
    return f.install(SECCOMP_RET_ALLOW, SECCOMP_FILTER_FLAG_TSYNC) == 0;
  } catch (const std::bad_alloc&) {
    errno = ENOMEM;
    return false;
  }
}

std::string missing_for_sandbox() {
  const unsigned action = SECCOMP_RET_USER_NOTIF;
  if (::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0) return {};
  return "the kernel has no user notification of system calls (Linux 5.7), or does not let us use it: " +
         std::string(std::strerror(errno));
}

#else

int enter_compute_only(std::initializer_list<int>) noexcept {
  errno = ENOSYS;
  return -1;
}

bool forbid_children() noexcept {
  errno = ENOSYS;
  return false;
}

std::string missing_for_sandbox() { return "its list of system calls is written for x86-64 only"; }

#endif

}  // namespace workit::workers
