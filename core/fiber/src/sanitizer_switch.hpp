// sanitizer_switch: tells the sanitizers of switches between the stacks of fibers, which they do not see.
#pragma once

#include <cstddef>
#include <cstdint>
#include <workit/base/detail/sanitizers.hpp>
#include <workit/fiber/detail/stack_pool.hpp>

#include "thread_stack.hpp"

#if defined(WORKIT_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(WORKIT_THREAD_SANITIZER)
extern "C" void __tsan_func_exit();  // what the compiler calls at the end of every function
#endif

namespace workit::detail {

#if defined(WORKIT_ADDRESS_SANITIZER)
inline constexpr bool has_address_sanitizer = true;
#else
inline constexpr bool has_address_sanitizer = false;
#endif

/// To be called once on each new fiber. ThreadSanitizer counts the calls that a thread has not returned from, all
/// fibers of a loop together; Boost.Context leaves its fiber_entry by a jump, and that call would stay for good. Every
/// stack that the sanitizer remembers then has a place of its own: 22 GB and a minute and a half for 50,000 fibers.
inline void forget_entry() noexcept {
#if defined(WORKIT_THREAD_SANITIZER)
  __tsan_func_exit();
#endif
}

/// Forgets the marks of frames in [bottom, bottom + bytes): those that were never left, such as the first
/// ones of every fiber, would make the next user of this memory look like a culprit. Nothing in other builds.
inline void forget_frames([[maybe_unused]] void* bottom, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(WORKIT_ADDRESS_SANITIZER)
  __asan_unpoison_memory_region(bottom, bytes);
#endif
}

/// To be called on the stack that runs from now on, after every switch: `near_top` is within 8 KiB of its upper end,
/// which is that of a stack of `pool` if there is one. A throw forgets the marks of the frames that it unwinds, and
/// finds them by where the stack ends. At exit() LeakSanitizer reads up to that end: above it is the guard of the next
/// stack. Source: sanitizer/common_interface_defs.h; github.com/google/sanitizers/issues/189.
inline void arrive_on_stack([[maybe_unused]] const void* near_top,
                            [[maybe_unused]] const stack_pool* pool = nullptr) noexcept {
#if defined(WORKIT_ADDRESS_SANITIZER)
  constexpr std::size_t above = 8192, below = 65536;
  const auto at = reinterpret_cast<std::uintptr_t>(near_top);
  const auto top = pool != nullptr ? pool->span_of(near_top).high : at + above;
  __sanitizer_start_switch_fiber(nullptr, static_cast<const char*>(near_top) - below, top - at + below);
  __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
#endif
}

/// The same for the stack that the thread was born with.
inline void arrive_on_thread_stack() noexcept {
#if defined(WORKIT_ADDRESS_SANITIZER)
  const auto mine = thread_stack::own();
  if (mine.high == 0) return;
  __sanitizer_start_switch_fiber(nullptr, reinterpret_cast<const void*>(mine.low), mine.high - mine.low);
  __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
#endif
}

}  // namespace workit::detail
