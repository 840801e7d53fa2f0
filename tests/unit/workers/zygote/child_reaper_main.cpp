// A zygote without a host: three children of 32 MiB each, with their mm_holders, are killed together. Prints what the
// child_reaper reports, and at each freed memory how many of the other mm_holders are asleep, that is alive and not
// killed yet.
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <child_reaper.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mm_holder.hpp>
#include <support/processes_below.hpp>
#include <vector>

namespace {

using namespace workit;

std::vector<pid_t> holders;

std::size_t asleep() {
  std::size_t n = 0;
  for (const auto& p : test::processes_below())
    n += p.state == 'S' && std::find(holders.begin(), holders.end(), p.pid) != holders.end();
  return n;
}

/// The child's pid; its mm_holder's is added to `holders`.
pid_t fork_child(pid_t zygote) {
  int told[2];
  if (pipe(told) != 0) std::abort();
  const pid_t child = fork();
  if (child == 0) {
    constexpr std::size_t size = 32U << 20;
    std::memset(std::malloc(size), 1, size);
    const pid_t holder = workers::start_mm_holder(zygote);
    if (write(told[1], &holder, sizeof holder) != sizeof holder) std::abort();
    for (;;) pause();
  }
  pid_t holder = -1;
  if (read(told[0], &holder, sizeof holder) != sizeof holder) std::abort();
  close(told[0]);
  close(told[1]);
  holders.push_back(holder);
  return child;
}

}  // namespace

int main() {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  unsigned left = 3;
  workers::child_reaper all(
      [](std::uint32_t worker, int status, const rusage&) {
        std::printf("exited %u by %d\n", worker, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
      },
      [&](std::uint32_t worker) {
        --left;
        std::printf("reclaimed %u, asleep %zu\n", worker, asleep());
      });
  std::vector<pid_t> children;
  for (unsigned i = 0; i < 3; ++i) {
    children.push_back(fork_child(getpid()));
    all.add_worker(i, children.back(), unique_fd(), holders.back());
  }
  while (asleep() != 3) usleep(100);
  for (const pid_t child : children) {
    kill(child, SIGKILL);
    siginfo_t end{};
    waitid(P_PID, static_cast<id_t>(child), &end, WEXITED | WNOWAIT);
  }
  while (left > 0) {
    all.reap();
    usleep(100);
  }
}
