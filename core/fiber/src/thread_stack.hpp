// thread_stack: where the stack of the calling thread ends.
#pragma once

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>

/// Where the stack of the main thread begins, by the dynamic linker. pthread_getattr_np() would open /proc/self/maps
/// for that, which a sandbox forbids.
// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" void* __libc_stack_end;

namespace workit::detail {

/// The lowest address that the thread's own stack may reach, if `here` is on it; 1 when that is not known. A main
/// thread's grows until RLIMIT_STACK, which may change; the rest is asked once for each thread.
inline std::uintptr_t lowest_of_thread_stack(std::uintptr_t here) noexcept {
  struct bounds {
    std::uintptr_t low = 1, high = 0;
    bounds() noexcept {
      if (getpid() == gettid()) {
        high = reinterpret_cast<std::uintptr_t>(__libc_stack_end);
        return;
      }
      pthread_attr_t attributes;
      if (pthread_getattr_np(pthread_self(), &attributes) != 0) return;
      void* bottom = nullptr;
      std::size_t size = 0;
      pthread_attr_getstack(&attributes, &bottom, &size);
      pthread_attr_destroy(&attributes);
      low = reinterpret_cast<std::uintptr_t>(bottom);
      high = low + size;
    }
  };
  static thread_local const bounds mine;
  rlimit now{};
  auto low = mine.low;
  if (getpid() == gettid() && getrlimit(RLIMIT_STACK, &now) == 0 && now.rlim_cur < mine.high)
    low = mine.high - now.rlim_cur;
  return here >= low && here < mine.high ? low : 1;
}

}  // namespace workit::detail
