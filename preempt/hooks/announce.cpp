// Announces the interposed calls before main, and finds the functions behind them before the first task.
#include <dlfcn.h>
#include <pthread.h>
#include <unwind.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <workit/base/detail/process_scheduling.hpp>

#include "hooks.hpp"
#include "hooks_link.hpp"
#include "real.hpp"

// Of the C++ ABI: defined in exceptions.cpp and locks.cpp, unless libstdc++ is linked statically.
extern "C" void* __cxa_begin_catch(void* exception) noexcept;  // NOLINT(bugprone-reserved-identifier)
extern "C" int __cxa_guard_acquire(std::uint64_t* guard);      // NOLINT(bugprone-reserved-identifier)

namespace workit::preempt {

void* find_next(const char* name) noexcept {
  if (void* const found = dlsym(RTLD_NEXT, name)) return found;
  std::fprintf(
      stderr,
      "workit: no shared library of this program has %s, which workit::preempt_thread stands in front of. Link "
      "the program without -static-libstdc++, -static-libgcc and -static, or without workit::preempt_thread\n",
      name);
  std::abort();
}

namespace {

/// Before the constructors of shared libraries: this file is linked to executables only.
[[gnu::section(".preinit_array"),
  gnu::used]] void (*const note_first)() noexcept = &workit::detail::note_processors_at_start;

[[gnu::constructor]] void announce_calls() {
  // A static libstdc++ or libgcc shows here, and not at the first exception.
  for (const char* name : {"__cxa_begin_catch", "__cxa_guard_acquire", "_Unwind_RaiseException"}) find_next(name);
  announce({.malloc = reinterpret_cast<const void*>(&std::malloc),
            .pthread_mutex_lock = reinterpret_cast<const void*>(&pthread_mutex_lock),
            .raise_exception = reinterpret_cast<const void*>(&_Unwind_RaiseException),
            .sigmask = reinterpret_cast<const void*>(&pthread_sigmask),
            .begin_catch = reinterpret_cast<const void*>(&__cxa_begin_catch),
            .guard_acquire = reinterpret_cast<const void*>(&__cxa_guard_acquire),
            .resolve = [] {
              resolve_allocator();
              resolve_locks();
              resolve_exceptions();
              resolve_signals();
            }});
}

}  // namespace
}  // namespace workit::preempt
