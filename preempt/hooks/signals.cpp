// Signal hygiene: on a stoppable thread nobody blocks the kick, and nobody at all takes its handler away.
#include <pthread.h>

#include <cerrno>
#include <csignal>

#include "../src/thread/thread_state.hpp"
#include "hooks.hpp"
#include "real.hpp"

namespace workit::preempt {
namespace {

constinit real<decltype(::pthread_sigmask)> real_pthread_sigmask("pthread_sigmask");
constinit real<decltype(::sigprocmask)> real_sigprocmask("sigprocmask");
constinit real<int(int, const struct sigaction*, struct sigaction*)> real_sigaction("sigaction");

template <class Call>
int without_kick(Call call, int how, const sigset_t* set, sigset_t* before) {
  if (this_state == nullptr || set == nullptr || how == SIG_UNBLOCK) return call(how, set, before);
  sigset_t rest = *set;
  sigdelset(&rest, kick_signal());
  return call(how, &rest, before);
}

}  // namespace

void resolve_signals() noexcept {
  real_pthread_sigmask.resolve();
  real_sigprocmask.resolve();
  real_sigaction.resolve();
}

}  // namespace workit::preempt

using namespace workit::preempt;

WORKIT_INTERPOSED int pthread_sigmask(int how, const sigset_t* set, sigset_t* before) noexcept {
  return without_kick(real_pthread_sigmask.get(), how, set, before);
}

WORKIT_INTERPOSED int sigprocmask(int how, const sigset_t* set, sigset_t* before) noexcept {
  return without_kick(real_sigprocmask.get(), how, set, before);
}

WORKIT_INTERPOSED int sigaction(int signal, const struct sigaction* now, struct sigaction* before) noexcept {
  if (signal != 0 && signal == kick_signal() && now != nullptr) {
    errno = EINVAL;  // as for the signals that libc keeps for itself
    return -1;
  }
  return real_sigaction.get()(signal, now, before);
}
