// The interposed signal calls: a stoppable thread cannot block the kick, and no thread can replace its handler.
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include <cerrno>
#include <csignal>

#include "hooks.hpp"
#include "real.hpp"
#include "thread_state.hpp"

namespace workit::preempt {
namespace {

constinit real<decltype(::pthread_sigmask)> real_pthread_sigmask("pthread_sigmask");
constinit real<decltype(::sigprocmask)> real_sigprocmask("sigprocmask");
constinit real<int(int, const struct sigaction*, struct sigaction*)> real_sigaction("sigaction");
// These calls wait with a signal mask of their own.
constinit real<decltype(::ppoll)> real_ppoll("ppoll");
constinit real<decltype(::pselect)> real_pselect("pselect");
constinit real<decltype(::epoll_pwait)> real_epoll_pwait("epoll_pwait");
constinit real<decltype(::sigsuspend)> real_sigsuspend("sigsuspend");

/// That mask, without the kick.
class with_kick {
 public:
  explicit with_kick(const sigset_t* asked) noexcept : asked_(asked) {
    if (this_state == nullptr || asked == nullptr) return;
    given_ = *asked;
    sigdelset(&given_, kick_signal());
    asked_ = &given_;
  }
  [[nodiscard]] const sigset_t* get() const noexcept { return asked_; }

 private:
  const sigset_t* asked_;
  sigset_t given_;
};

template <class Call>
int change_mask(Call call, int how, const sigset_t* set, sigset_t* before) {
  return how == SIG_UNBLOCK ? call(how, set, before) : call(how, with_kick(set).get(), before);
}

}  // namespace

void resolve_signals() noexcept {
  real_pthread_sigmask.resolve();
  real_sigprocmask.resolve();
  real_sigaction.resolve();
  real_ppoll.resolve();
  real_pselect.resolve();
  real_epoll_pwait.resolve();
  real_sigsuspend.resolve();
}

}  // namespace workit::preempt

using namespace workit::preempt;

WORKIT_INTERPOSED int pthread_sigmask(int how, const sigset_t* set, sigset_t* before) noexcept {
  return change_mask(real_pthread_sigmask.get(), how, set, before);
}

WORKIT_INTERPOSED int sigprocmask(int how, const sigset_t* set, sigset_t* before) noexcept {
  return change_mask(real_sigprocmask.get(), how, set, before);
}

WORKIT_INTERPOSED int sigaction(int signal, const struct sigaction* now, struct sigaction* before) noexcept {
  if (signal != 0 && signal == kick_signal() && now != nullptr) {
    errno = EINVAL;  // as for the signals that libc reserves
    return -1;
  }
  return real_sigaction.get()(signal, now, before);
}

WORKIT_INTERPOSED int ppoll(pollfd* files, nfds_t n, const timespec* limit, const sigset_t* mask) {
  return real_ppoll.get()(files, n, limit, with_kick(mask).get());
}

WORKIT_INTERPOSED int pselect(int n, fd_set* in, fd_set* out, fd_set* other, const timespec* limit,
                              const sigset_t* mask) {
  return real_pselect.get()(n, in, out, other, limit, with_kick(mask).get());
}

WORKIT_INTERPOSED int epoll_pwait(int set, epoll_event* events, int most, int limit, const sigset_t* mask) {
  return real_epoll_pwait.get()(set, events, most, limit, with_kick(mask).get());
}

WORKIT_INTERPOSED int sigsuspend(const sigset_t* mask) { return real_sigsuspend.get()(with_kick(mask).get()); }
