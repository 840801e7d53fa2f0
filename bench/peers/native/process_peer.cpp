// The peer that is a process: fork, SIGKILL and a wait for the reap, the plain way to stop whatever runs.
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>

#include "stops.hpp"

namespace peers {

namespace {

/// Ordinary small pages, all touched: what a victim has in use and the kernel has to give back.
bool touch(std::size_t bytes) {
  if (bytes == 0) return true;
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  madvise(memory, bytes, MADV_NOHUGEPAGE);
  std::memset(memory, 1, bytes);
  return true;
}

/// fork, with a child that does not outlive this program.
pid_t fork_child() {
  const auto parent = getpid();
  const auto child = fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
  }
  return child;
}

int exit_status(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string kernel() {
  utsname name{};
  uname(&name);
  return std::string("Linux ") + name.release;
}

}  // namespace

void fork_and_sigkill(round& to, extent much) {
  const description peer{"fork_sigkill", "fork, SIGKILL, waitpid", "native", kernel()};
  for (const int mib : {0, 64, 1024}) {
    if (mib > much.largest_mib) break;
    pid_t victim = -1;
    const way how{
        .start =
            [&](stamp& mark) {
              victim = fork_child();
              if (victim != 0) return;
              if (!touch(static_cast<std::size_t>(mib) << 20)) _exit(1);
              for (;;) mark.mark();
            },
        .stop =
            [&] {
              kill(victim, SIGKILL);
              waitpid(victim, nullptr, 0);
            },
        .trivial_successor =
            [](int n) {
              const auto child = fork_child();
              if (child == 0) _exit(n + 1);
              return exit_status(child);
            },
    };
    if (mib == 0) measure_round_trips(to, peer, how, much);
    measure_stops(to, peer, mib, how, much);
  }
}

}  // namespace peers
