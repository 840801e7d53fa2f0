// The host watcher blocks on the host-life mutex, which the kernel marks before it frees the host's memory: it wakes
// within milliseconds. A socket or a pidfd tells of the death only after the memory is freed.
#include "host_watcher.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>

#include "command_line.hpp"
#include "process_setup.hpp"

namespace workit::workers {
namespace {

/// How long a zygote may take to end by itself, e.g. when its preload is running and blocks the signal.
constexpr unsigned grace_seconds = 2;

[[noreturn]] void watch_host([[maybe_unused]] const preempt::life_mutex& host, pid_t zygote) noexcept {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != zygote) ::_exit(0);
  set_process_name("workit-watcher");
  show_as("workit-watcher");
  ::setsid();
  ::closefrom(3);
#ifdef WORKIT_WITHOUT_HOST_LIFE
  for (;;) ::pause();
#endif
  if (host.wait_for_death() == preempt::life_mutex::ending::released) ::_exit(0);
  // Still our parent, or PDEATHSIG would have ended us: the pid is not another process's.
  ::kill(zygote, host_death_signal());
  ::kill(zygote, SIGCONT);  // one that was stopped hears of it, too
  ::sleep(grace_seconds);
  if (::getppid() == zygote) ::kill(zygote, SIGKILL);
  ::_exit(0);
}

}  // namespace

int host_death_signal() noexcept { return SIGHUP; }

pid_t start_host_watcher(const preempt::life_mutex& host) noexcept {
  const pid_t zygote = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) watch_host(host, zygote);
  return child;
}

}  // namespace workit::workers
