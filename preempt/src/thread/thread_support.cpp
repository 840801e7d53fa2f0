// thread_support: whether this process can have stoppable threads, checked once.
#include "hooks_link.hpp"

#include <dlfcn.h>
#include <link.h>
#include <unwind.h>

#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <workit/preempt/stoppable_thread.hpp>

#include "code_map.hpp"
#include "stack_switch.hpp"
#include "thread_state.hpp"

namespace workit::preempt {
namespace {

constinit interposed_calls calls;

/// The file of the module that holds an address; empty for the executable.
std::string module_of(const void* address) {
  dl_find_object found{};
  if (_dl_find_object(const_cast<void*>(address), &found) != 0) return "?";
  return found.dlfo_link_map->l_name;
}

/// Whether the linker has taken our function of that name.
bool is_interposed(const void* function) {
  const auto at = reinterpret_cast<std::uintptr_t>(function);
  return code_map::current()->of(at).owner == code_owner::runtime;
}

bool is_sanitized() {
  for (const char* runtime : {"__asan_init", "__tsan_init", "__msan_init", "__hwasan_init"})
    if (dlsym(RTLD_DEFAULT, runtime) != nullptr) return true;
  return false;
}

/// valgrind preloads its core into what it runs.
bool is_under_valgrind() {
  const char* const preloaded = std::getenv("LD_PRELOAD");
  return preloaded != nullptr && std::string(preloaded).find("vgpreload") != std::string::npos;
}

/// Why no stop at this boundary can work here; the cheapest checks first.
std::string find_obstacle() {
#if !defined(__x86_64__)
  return "threads can be stopped on x86-64 only: use boundary::process";
#endif
  if (is_sanitized())
    return "threads cannot be stopped under a sanitizer, which keeps a shadow of every stack: use a plain build, or "
           "boundary::process";
  if (is_under_valgrind())
    return "threads cannot be stopped under valgrind, which delivers signals late: run without it";
  if (calls.malloc == nullptr)
    return "threads can be stopped only in a program that is linked with workit::preempt_thread: add it to "
           "target_link_libraries";
  if (has_shadow_stack())
    return "threads cannot be stopped while shadow stacks are on: start the program with "
           "GLIBC_TUNABLES=glibc.cpu.x86_shstk=off";
  if (module_of(reinterpret_cast<const void*>(&std::fputs)).empty())
    return "threads cannot be stopped in a program with a static libc, where the library's code cannot be told from "
           "the program's: link libc dynamically";
  code_map::refresh();
  if (!is_interposed(calls.begin_catch) || !is_interposed(calls.guard_acquire) || !is_interposed(calls.raise_exception))
    return "threads cannot be stopped in a program with a static libstdc++ or libgcc, whose exceptions and static "
           "variables cannot be watched: link it without -static-libstdc++ and -static-libgcc, or use "
           "boundary::process";
  if (dlsym(RTLD_DEFAULT, "malloc") != calls.malloc || module_of(dlsym(RTLD_DEFAULT, "_Znwm")).empty() ||
      module_of(dlsym(RTLD_NEXT, "_Znwm")).empty())
    return "threads cannot be stopped in a program with an allocator of its own linked in: link the allocator "
           "dynamically, or use boundary::process";
  if (dlsym(RTLD_DEFAULT, "pthread_mutex_lock") != calls.pthread_mutex_lock ||
      dlsym(RTLD_DEFAULT, "_Unwind_RaiseException") != calls.raise_exception ||
      dlsym(RTLD_DEFAULT, "pthread_sigmask") != calls.sigmask)
    return "threads cannot be stopped because something else interposes pthread_mutex_lock, pthread_sigmask or "
           "_Unwind_RaiseException: link workit::preempt_thread before it";
  return {};
}

std::string prepare() {
  if (auto why = find_obstacle(); !why.empty()) return why;
  calls.resolve();
  measure_vector_state();
  code_map::refresh();
  // The first walk may read files and take locks; those in handlers must not be the first.
  _Unwind_Backtrace([](_Unwind_Context*, void*) { return _URC_NO_REASON; }, nullptr);
  static_cast<void>(code_map::current()->of(reinterpret_cast<std::uintptr_t>(&prepare)));
  if (!install_kick())
    return "threads cannot be stopped because every real-time signal has a handler: leave one to workit";
  return {};
}

}  // namespace

void announce(const interposed_calls& made) noexcept { calls = made; }

const std::string& why_unsupported() {
  static const std::string why = prepare();
  return why;
}

}  // namespace workit::preempt
