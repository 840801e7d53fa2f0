// proof: the kill, the barrier, and the self-test of both. The header says why they prove a stop.
#include <workit/preempt/proof.hpp>

#include <linux/membarrier.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <workit/preempt/death_listener.hpp>
#include <workit/preempt/life_mutex.hpp>

namespace workit::preempt {
namespace {

long membarrier(int command) noexcept { return ::syscall(SYS_membarrier, command, 0, 0); }

/// The time left as poll(2) takes it: whole milliseconds, rounded up; -1 for ever.
int milliseconds_until(deadline_point until) noexcept {
  if (until.is_never()) return -1;
  const auto left = until.remaining(std::chrono::steady_clock::now());
  return static_cast<int>(
      std::min<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(left).count(), 1'000'000));
}

}  // namespace

bool wait_for_exit(int pidfd, deadline_point until) noexcept {
  for (;;) {
    pollfd exit{pidfd, POLLIN, 0};
    const int timeout = milliseconds_until(until);
    if (const int ready = ::poll(&exit, 1, timeout); ready > 0) return (exit.revents & POLLIN) != 0;
    if (timeout == 0) return false;
  }
}

bool register_for_barrier() noexcept { return membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED) == 0; }

bool barrier() noexcept {
#ifdef WORKIT_WITHOUT_BARRIER
  return false;  // slower, and still right: the next proof serves
#else
  return membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED) == 0;
#endif
}

kill_answer send_kill([[maybe_unused]] int pidfd) noexcept {
#ifdef WORKIT_WITHOUT_KILL
  return kill_answer::sent;
#else
  if (::syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0) == 0) return kill_answer::sent;
  switch (errno) {
    case ESRCH:
      return kill_answer::gone;
    case EPERM:
      return kill_answer::denied;
    default:
      return kill_answer::failed;
  }
#endif
}

stop_proof probe_proof([[maybe_unused]] const probe_victim& victim) {
#ifdef WORKIT_WITHOUT_KILL
  return stop_proof::barrier;  // nothing dies, so there is nothing to try out: the lie that the stop tests have to
                               // catch
#else
  const auto beat = [&] { return victim.counter->load(std::memory_order_relaxed); };
  // The counter of a victim that has not begun does not change in any case.
  for (const auto before = beat(); beat() == before;) {
    const auto soon = deadline_point::in(std::chrono::milliseconds(1), std::chrono::steady_clock::now());
    if (wait_for_exit(victim.pidfd, soon)) return stop_proof::pidfd;
  }

  if (send_kill(victim.pidfd) != kill_answer::sent) return stop_proof::pidfd;
  const bool interrupted = barrier();
  const auto at_barrier = beat();
  static_cast<void>(wait_for_exit(victim.pidfd, deadline_point{}));
  if (interrupted && beat() == at_barrier) return stop_proof::barrier;
  // The mark precedes the exit that the pidfd reports, so it is there by now or never.
  if (victim.death_word != nullptr && owner_died(victim.death_word) && death_listener::supported())
    return stop_proof::notice;
  return stop_proof::pidfd;
#endif
}

}  // namespace workit::preempt
