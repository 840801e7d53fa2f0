// thread_stack: where the stack that a thread was born with lies.
#pragma once

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>

/// Where the stack of the main thread begins, by the dynamic linker. pthread_getattr_np() would open /proc/self/maps,
/// which a sandbox forbids.
// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" void* __libc_stack_end;

namespace workit::detail {

/// [low, high); holds no address when it is not known.
struct thread_stack {
  std::uintptr_t low = 1, high = 0;

  /// The calling thread's. Opens /proc/self/maps on a main thread.
  static thread_stack own() noexcept {
    thread_stack found;
    pthread_attr_t attributes;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) return found;
    void* bottom = nullptr;
    std::size_t size = 0;
    pthread_attr_getstack(&attributes, &bottom, &size);
    pthread_attr_destroy(&attributes);
    found.low = reinterpret_cast<std::uintptr_t>(bottom);
    found.high = found.low + size;
    return found;
  }
};

/// The lowest address that the thread's own stack may reach, if `here` is on it; 1 when that is not known. A main
/// thread's grows until RLIMIT_STACK, which may change; the rest is asked once for each thread.
inline std::uintptr_t lowest_of_thread_stack(std::uintptr_t here) noexcept {
  static thread_local const bool is_main = getpid() == gettid();
  static thread_local const auto mine =
      is_main ? thread_stack{1, reinterpret_cast<std::uintptr_t>(__libc_stack_end)} : thread_stack::own();
  rlimit now{};
  auto low = mine.low;
  if (is_main && getrlimit(RLIMIT_STACK, &now) == 0 && now.rlim_cur < mine.high) low = mine.high - now.rlim_cur;
  return here >= low && here < mine.high ? low : 1;
}

}  // namespace workit::detail
