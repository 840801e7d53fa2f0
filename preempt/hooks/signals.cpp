// The interposed signal calls: a stoppable thread cannot block the kick, and no thread can replace its handler.
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include <cerrno>
#include <csignal>
#include <cstddef>

#include "hooks.hpp"
#include "real.hpp"
#include "thread_state.hpp"

namespace workit::preempt {
namespace {

constinit real<decltype(::pthread_sigmask)> real_pthread_sigmask("pthread_sigmask");
constinit real<decltype(::sigprocmask)> real_sigprocmask("sigprocmask");
constinit real<int(int, const struct sigaction*, struct sigaction*)> real_sigaction("sigaction");
using handler = void (*)(int);
constinit real<int(int, const struct sigaction*, struct sigaction*)> real_sigaction_alias("__sigaction");
constinit real<handler(int, handler)> real_signal("signal");
constinit real<handler(int, handler)> real_sysv_signal("sysv_signal");
constinit real<handler(int, handler)> real_sigset("sigset");
constinit real<int(int)> real_sighold("sighold");
constinit real<int(int)> real_sigignore("sigignore");
constinit real<int(int, int)> real_siginterrupt("siginterrupt");
// These calls wait with a signal mask of their own.
constinit real<decltype(::ppoll)> real_ppoll("ppoll");
constinit real<decltype(::pselect)> real_pselect("pselect");
constinit real<decltype(::epoll_pwait)> real_epoll_pwait("epoll_pwait");
constinit real<int(int, epoll_event*, int, const timespec*, const sigset_t*)> real_epoll_pwait2("epoll_pwait2");
constinit real<decltype(::sigsuspend)> real_sigsuspend("sigsuspend");
constinit real<int(pollfd*, nfds_t, const timespec*, const sigset_t*, std::size_t)> real_ppoll_chk("__ppoll_chk");

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

/// Whether it is the kick, which is taken as the signals that libc reserves are; sets errno.
bool is_taken(int signal) noexcept {
  if (signal == 0 || signal != kick_signal()) return false;
  errno = EINVAL;
  return true;
}

handler replace(real<handler(int, handler)>& call, int signal, handler now) noexcept {
  return is_taken(signal) ? SIG_ERR : call.get()(signal, now);
}

}  // namespace

void resolve_signals() noexcept {
  real_pthread_sigmask.resolve();
  real_sigprocmask.resolve();
  real_sigaction.resolve();
  real_ppoll.resolve();
  real_pselect.resolve();
  real_epoll_pwait.resolve();
  real_epoll_pwait2.resolve();
  real_sigsuspend.resolve();
  real_ppoll_chk.resolve();
  real_sigaction_alias.resolve();
  real_signal.resolve();
  real_sysv_signal.resolve();
  real_sigset.resolve();
  real_sighold.resolve();
  real_sigignore.resolve();
  real_siginterrupt.resolve();
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
  return now != nullptr && is_taken(signal) ? -1 : real_sigaction.get()(signal, now, before);
}
WORKIT_INTERPOSED int __sigaction(int signal, const struct sigaction* now, struct sigaction* before) noexcept {
  return now != nullptr && is_taken(signal) ? -1 : real_sigaction_alias.get()(signal, now, before);
}

// libc's own do not call sigaction() by its name. The first three are one function there, the next two another.
WORKIT_INTERPOSED handler signal(int signal, handler now) noexcept { return replace(real_signal, signal, now); }
WORKIT_INTERPOSED handler ssignal(int signal, handler now) noexcept { return replace(real_signal, signal, now); }
WORKIT_INTERPOSED handler bsd_signal(int signal, handler now) noexcept { return replace(real_signal, signal, now); }
WORKIT_INTERPOSED handler sysv_signal(int signal, handler now) noexcept {
  return replace(real_sysv_signal, signal, now);
}
WORKIT_INTERPOSED handler __sysv_signal(int signal, handler now) noexcept {
  return replace(real_sysv_signal, signal, now);
}
WORKIT_INTERPOSED handler sigset(int signal, handler now) noexcept { return replace(real_sigset, signal, now); }
WORKIT_INTERPOSED int sighold(int signal) noexcept { return is_taken(signal) ? -1 : real_sighold.get()(signal); }
WORKIT_INTERPOSED int sigignore(int signal) noexcept { return is_taken(signal) ? -1 : real_sigignore.get()(signal); }
WORKIT_INTERPOSED int siginterrupt(int signal, int flag) noexcept {
  return is_taken(signal) ? -1 : real_siginterrupt.get()(signal, flag);
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

WORKIT_INTERPOSED int epoll_pwait2(int set, epoll_event* events, int most, const timespec* limit,
                                   const sigset_t* mask) {
  return real_epoll_pwait2.get()(set, events, most, limit, with_kick(mask).get());
}

/// What a program that is compiled with _FORTIFY_SOURCE calls for ppoll().
WORKIT_INTERPOSED int __ppoll_chk(pollfd* files, nfds_t n, const timespec* limit, const sigset_t* mask,
                                  std::size_t size) {
  return real_ppoll_chk.get()(files, n, limit, with_kick(mask).get(), size);
}

WORKIT_INTERPOSED int sigsuspend(const sigset_t* mask) { return real_sigsuspend.get()(with_kick(mask).get()); }
