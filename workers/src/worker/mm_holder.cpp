// mm_holder: the second user of a worker's memory, which the kernel frees with the last (mmput() in kernel/fork.c).
//
// Invariants
// 1. Between clone() and its sleep it touches its own stack and nothing else of the shared memory: not the thread's
// block
//    (no errno, hence no call that could fail here), no lock, no instrumented function.
// 2. Once it sleeps it does not return to user mode: what the task writes over its code or stack is never run. Should a
//    debugger's stop and continue make it return, the filter ends it at any other system call.
#include "mm_holder.hpp"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>

/// clone(3) by glibc's other name for it. Sanitizers intercept the first and take this call for a fork: their wrapper
/// would undo in the mm_holder what it has begun in the worker.
// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" int __clone(int (*fn)(void*), void* stack, int flags, void* arg, ...);

namespace workit::workers {
namespace {

#if defined(__x86_64__)
constexpr unsigned own_interface = AUDIT_ARCH_X86_64;
#else
constexpr unsigned own_interface = AUDIT_ARCH_AARCH64;
#endif

/// Allows the sleep and no other system call.
sock_filter only_sleep[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, own_interface, 0, 3),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ppoll, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
};
constexpr sock_fprog only_sleep_program{sizeof only_sleep / sizeof *only_sleep, only_sleep};

alignas(16) std::byte stack[4096];

/// A worker has just been forked by its zygote, which has a few for itself and one for each worker.
constexpr long most_descriptors_at_birth = 4096;

/// The zygote's pid comes by value: the worker may change its variables meanwhile.
__attribute__((no_sanitize("address", "thread", "undefined"))) int hold(void* zygote) {
  ::syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (::syscall(SYS_getppid) != reinterpret_cast<long>(zygote)) ::syscall(SYS_exit_group, 0);
  if (::syscall(SYS_close_range, 0U, ~0U, 0U) != 0)
    for (long descriptor = 0; descriptor < most_descriptors_at_birth; ++descriptor) ::syscall(SYS_close, descriptor);
  ::syscall(SYS_prctl, PR_SET_NAME, "workit-memory", 0, 0, 0);
  ::syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &only_sleep_program);
  for (;;) ::syscall(SYS_ppoll, nullptr, 0, nullptr, nullptr, 0);
}

}  // namespace

pid_t start_mm_holder(pid_t zygote) noexcept {
#ifdef WORKIT_WITHOUT_MM_HOLDER
  return -1;
#endif
  return __clone(&hold, stack + sizeof stack, CLONE_VM | CLONE_PARENT | SIGCHLD,
                 reinterpret_cast<void*>(static_cast<long>(zygote)));
}

}  // namespace workit::workers
