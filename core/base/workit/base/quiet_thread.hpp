// start_quiet_thread: a thread that blocks all signals, and runs where and how the process does.
#pragma once

#include <pthread.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <system_error>
#include <thread>
#include <utility>
#include <workit/base/detail/process_scheduling.hpp>

namespace workit {

namespace detail {
/// With a sentence that names the thread and, where it is known, what to do.
[[nodiscard]] std::system_error no_thread(const char* name, const std::system_error& why);
}  // namespace detail

/// Starts `body` on a thread of that name (15 characters at most) with every signal blocked but those of faults: the
/// host's handlers run on the host's own threads, and a fault whose signal is blocked would pass by its handler. Its
/// processors and priority are the process's, whatever the calling thread has: run_as_process(). Errors:
/// std::system_error with a sentence when there are no more threads. Lifetime: the name's is the program's.
template <class Body>
std::thread start_quiet_thread(const char* name, Body body) {
  struct all_signals_blocked {
    all_signals_blocked() {
      sigset_t all;
      sigfillset(&all);
      for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP}) sigdelset(&all, fault);
      pthread_sigmask(SIG_SETMASK, &all, &before);
    }
    ~all_signals_blocked() { pthread_sigmask(SIG_SETMASK, &before, nullptr); }
    sigset_t before;
  };
  const all_signals_blocked inherited;
  // The thread names itself: to name another one, libc opens a file, which needs a descriptor and may be forbidden.
  try {
    return std::thread([name, body = std::move(body)]() mutable {
      ::prctl(PR_SET_NAME, name);
      detail::run_as_process(::getpid());
      body();
    });
  } catch (const std::system_error& e) {
    throw detail::no_thread(name, e);
  }
}

}  // namespace workit
