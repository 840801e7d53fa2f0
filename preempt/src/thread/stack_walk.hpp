// A walk over the frames of a task: whether it may be left here, and if not, where the library returns to it.
#pragma once

#include <ucontext.h>

#include <cstdint>
#include <workit/base/thread_stop.hpp>

namespace workit::preempt {

/// The stack of the task.
struct stack_bounds {
  std::uintptr_t low = 0, high = 0;
  [[nodiscard]] bool has(std::uintptr_t p) const noexcept { return p > low && p <= high; }
};

/// Most frames that are looked at: 180 to 460 ns each.
inline constexpr int deepest_walk = 256;

/// What a walk has seen.
struct stack_view {
  obstacle in_the_way = obstacle::no_unwind;  ///< none: every frame is the task's own
  const char* module = "";                    ///< for foreign_module: of the outermost such frame
  std::uintptr_t* slot = nullptr;  ///< the return address of the outermost run of foreign frames, if it may change
  std::uintptr_t returns_to = 0;   ///< what is in it
};

/// From the point at which a signal interrupted the task, called in its handler with the registers there (mcontext_t's
/// gregs). Async-signal-safe: _Unwind_Backtrace finds frame descriptions by _dl_find_object (libgcc since 12), takes no
/// lock, and was warmed up.
[[nodiscard]] stack_view walk_from_handler(const greg_t* interrupted, const stack_bounds& stack) noexcept;

/// From the caller of the interposed function that calls this.
[[nodiscard]] stack_view walk_from_here(const stack_bounds& stack) noexcept;

}  // namespace workit::preempt
