// The host watcher blocks on the host-life mutex, which the kernel marks before it tears the host's memory down: it
// knows within milliseconds, where the end of a socket or a pidfd takes as long as freeing the host's memory does.
#include "host_watcher.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>

#include "process_setup.hpp"

namespace workit::workers {
namespace {

/// How long a zygote may take to end by itself, e.g. when its preload is running and blocks the signal.
constexpr unsigned patience_seconds = 2;

[[noreturn]] void watch_host(preempt::life_mutex& host, pid_t zygote) noexcept {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != zygote) ::_exit(0);
  set_process_name("workit-watcher");
  ::setsid();
  ::close_range(3, ~0U, 0);
#ifdef WORKIT_WITHOUT_HOST_LIFE
  for (;;) ::pause();
#endif
  if (host.wait_for_death() == preempt::life_mutex::ending::released) ::_exit(0);
  ::kill(zygote, host_death_signal());  // our parent, or PDEATHSIG would have ended us: the pid is nobody else's
  ::sleep(patience_seconds);
  if (::getppid() == zygote) ::kill(zygote, SIGKILL);
  ::_exit(0);
}

}  // namespace

int host_death_signal() noexcept { return SIGHUP; }

pid_t start_sentinel(preempt::life_mutex& host) noexcept {
  const pid_t zygote = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) watch_host(host, zygote);
  return child;
}

}  // namespace workit::workers
