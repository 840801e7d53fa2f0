// Announces the interposed calls before main, and finds the functions behind them before the first task.
#include <dlfcn.h>
#include <pthread.h>
#include <unwind.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <workit/base/detail/process_scheduling.hpp>

#include "hooks.hpp"
#include "hooks_link.hpp"
#include "real.hpp"

namespace workit::preempt {

void* find_next(const char* name) noexcept {
  if (void* const found = dlsym(RTLD_NEXT, name)) return found;
  std::fprintf(stderr, "workit: no library of this program has %s, which workit::preempt_thread stands in front of\n",
               name);
  std::abort();
}

namespace {

/// Before the constructors of shared libraries: this file is linked to executables only.
[[gnu::section(".preinit_array"),
  gnu::used]] void (*const note_first)() noexcept = &workit::detail::note_processors_at_start;

[[gnu::constructor]] void announce_calls() {
  announce({.malloc = reinterpret_cast<const void*>(&std::malloc),
            .pthread_mutex_lock = reinterpret_cast<const void*>(&pthread_mutex_lock),
            .raise_exception = reinterpret_cast<const void*>(&_Unwind_RaiseException),
            .sigmask = reinterpret_cast<const void*>(&pthread_sigmask),
            .resolve = [] {
              resolve_allocator();
              resolve_locks();
              resolve_exceptions();
              resolve_signals();
            }});
}

}  // namespace
}  // namespace workit::preempt
