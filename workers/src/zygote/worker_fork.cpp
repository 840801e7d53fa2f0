// worker_fork: see the header.
#include "worker_fork.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace workit::workers {
namespace {

/// The pid of the worker's mm_holder, which it writes first of all; -1 when it has none, or died before. The zygote
/// waits for it, so that it knows each of its children by the time that one can die.
pid_t read_mm_holder(int pipe) noexcept {
  pid_t mm_holder = -1;
  while (::read(pipe, &mm_holder, sizeof mm_holder) < 0 && errno == EINTR) {
  }
  return mm_holder;
}

forked_worker failed(int error) noexcept { return {.error = error}; }

}  // namespace

unique_fd open_pidfd(pid_t pid) noexcept { return unique_fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

forked_worker fork_worker(worker_setup setup) noexcept {
  forked_worker made;
  unique_fd workers_end;
  if (setup.sandbox != sandbox::none) {
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return failed(errno);
    made.violation_socket = unique_fd(ends[0]);
    workers_end = unique_fd(ends[1]);
    setup.zygote_channel = workers_end.get();
  }
  int pipe[2] = {-1, -1};
  if (::pipe2(pipe, O_CLOEXEC) != 0) return failed(errno);
  const unique_fd reads(pipe[0]);
  unique_fd writes(pipe[1]);
  setup.zygote = ::getpid();
  setup.mm_holder_pipe = writes.get();
  made.pid = ::fork();
  if (made.pid == 0) run_worker(setup);
  if (made.pid < 0) return failed(errno);
  writes.reset();
  made.pidfd = open_pidfd(made.pid);  // not reaped yet, so the pid is surely this child's
  if (!made.pidfd) {
    const int error = errno;
    ::kill(made.pid, SIGKILL);
    return failed(error);
  }
  made.mm_holder = read_mm_holder(reads.get());
  return made;
}

}  // namespace workit::workers
