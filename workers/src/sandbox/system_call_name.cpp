// Names of the system calls that a sandboxed task is likely to be caught at.
#include <workit/workers/sandbox.hpp>

#include <sys/syscall.h>

namespace workit::workers {
namespace {

struct named_call {
  int number;
  const char* name;
};

#define WORKIT_CALL(name) \
  { SYS_##name, #name }
constexpr named_call named_calls[] = {
    WORKIT_CALL(accept4),
    WORKIT_CALL(bind),
    WORKIT_CALL(bpf),
    WORKIT_CALL(capset),
    WORKIT_CALL(chdir),
    WORKIT_CALL(chroot),
    WORKIT_CALL(clone),
    WORKIT_CALL(connect),
    WORKIT_CALL(copy_file_range),
    WORKIT_CALL(dup),
    WORKIT_CALL(dup3),
    WORKIT_CALL(epoll_create1),
    WORKIT_CALL(epoll_ctl),
    WORKIT_CALL(epoll_pwait),
    WORKIT_CALL(eventfd2),
    WORKIT_CALL(execve),
    WORKIT_CALL(execveat),
    WORKIT_CALL(fchmod),
    WORKIT_CALL(fchmodat),
    WORKIT_CALL(fchown),
    WORKIT_CALL(fchownat),
    WORKIT_CALL(fdatasync),
    WORKIT_CALL(flock),
    WORKIT_CALL(fstatfs),
    WORKIT_CALL(fsync),
    WORKIT_CALL(getdents64),
    WORKIT_CALL(getsockopt),
    WORKIT_CALL(inotify_init1),
    WORKIT_CALL(io_setup),
    WORKIT_CALL(io_uring_setup),
    WORKIT_CALL(ioctl),
    WORKIT_CALL(kill),
    WORKIT_CALL(linkat),
    WORKIT_CALL(listen),
    WORKIT_CALL(mkdirat),
    WORKIT_CALL(mknodat),
    WORKIT_CALL(mlockall),
    WORKIT_CALL(mount),
    WORKIT_CALL(msync),
    WORKIT_CALL(open_by_handle_at),
    WORKIT_CALL(openat),
    WORKIT_CALL(openat2),
    WORKIT_CALL(perf_event_open),
    WORKIT_CALL(personality),
    WORKIT_CALL(pidfd_getfd),
    WORKIT_CALL(pidfd_open),
    WORKIT_CALL(pidfd_send_signal),
    WORKIT_CALL(pipe2),
    WORKIT_CALL(prctl),
    WORKIT_CALL(prlimit64),
    WORKIT_CALL(process_vm_readv),
    WORKIT_CALL(process_vm_writev),
    WORKIT_CALL(ptrace),
    WORKIT_CALL(recvfrom),
    WORKIT_CALL(recvmsg),
    WORKIT_CALL(renameat),
    WORKIT_CALL(renameat2),
    WORKIT_CALL(rt_sigqueueinfo),
    WORKIT_CALL(rt_tgsigqueueinfo),
    WORKIT_CALL(seccomp),
    WORKIT_CALL(sendfile),
    WORKIT_CALL(sendmsg),
    WORKIT_CALL(sendto),
    WORKIT_CALL(setgid),
    WORKIT_CALL(setitimer),
    WORKIT_CALL(setns),
    WORKIT_CALL(setpgid),
    WORKIT_CALL(setrlimit),
    WORKIT_CALL(setsid),
    WORKIT_CALL(setsockopt),
    WORKIT_CALL(setuid),
    WORKIT_CALL(shmat),
    WORKIT_CALL(shmget),
    WORKIT_CALL(shutdown),
    WORKIT_CALL(signalfd4),
    WORKIT_CALL(socket),
    WORKIT_CALL(socketpair),
    WORKIT_CALL(splice),
    WORKIT_CALL(statfs),
    WORKIT_CALL(symlinkat),
    WORKIT_CALL(timer_create),
    WORKIT_CALL(timer_delete),
    WORKIT_CALL(timerfd_create),
    WORKIT_CALL(tkill),
    WORKIT_CALL(truncate),
    WORKIT_CALL(umask),
    WORKIT_CALL(umount2),
    WORKIT_CALL(unlinkat),
    WORKIT_CALL(unshare),
    WORKIT_CALL(userfaultfd),
    WORKIT_CALL(utimensat),
    WORKIT_CALL(vmsplice),
    WORKIT_CALL(waitid),
#if defined(__x86_64__)
    WORKIT_CALL(accept),
    WORKIT_CALL(alarm),
    WORKIT_CALL(chmod),
    WORKIT_CALL(creat),
    WORKIT_CALL(dup2),
    WORKIT_CALL(epoll_create),
    WORKIT_CALL(epoll_wait),
    WORKIT_CALL(eventfd),
    WORKIT_CALL(fork),
    WORKIT_CALL(link),
    WORKIT_CALL(mkdir),
    WORKIT_CALL(open),
    WORKIT_CALL(pipe),
    WORKIT_CALL(rename),
    WORKIT_CALL(rmdir),
    WORKIT_CALL(symlink),
    WORKIT_CALL(unlink),
    WORKIT_CALL(vfork),
#endif
};
#undef WORKIT_CALL

}  // namespace

std::string system_call_name(int number) {
  for (const auto& call : named_calls)
    if (call.number == number) return call.name;
  return number < 0 ? "a 32-bit system call" : "system call " + std::to_string(number);
}

}  // namespace workit::workers
