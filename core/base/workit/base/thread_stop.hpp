// thread_stop: how a task on a thread of this process was stopped in place, or why that was refused.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <workit/base/clock.hpp>

namespace workit {

/// Where a thread left its task.
enum class leaving : std::uint8_t {
  in_place,       ///< in the middle of the task's own code
  critical_exit,  ///< when it released the last lock, came out of a catch, or called the allocator
  frame_return,   ///< when the library function that it was in returned
};

/// What made it unsafe to leave a task where it was. docs/thread-boundary.md says what to do about each.
enum class obstacle : std::uint8_t {
  none,
  lock_held,            ///< a mutex, rwlock, spin lock or stream lock, or workit::no_preempt_scope
  allocator,            ///< inside malloc, free or their kin
  static_init,          ///< a function-local static, or std::call_once, is being initialised
  exception_in_flight,  ///< thrown and not yet caught
  foreign_module,       ///< inside a library that is not registered as preemptible
  blocked_in,           ///< waiting inside a call that takes a lock again before it returns
  too_deep,             ///< more frames than a walk may look at
  other_stack,          ///< the task runs on a stack of its own making
  no_unwind,            ///< a frame has no unwind information
  signal_blocked,       ///< the thread never took the signal
};

/// One refusal.
struct stop_refusal {
  obstacle kind = obstacle::none;
  std::string detail{};  ///< the module, or the call that blocks; empty for the others

  friend bool operator==(const stop_refusal&, const stop_refusal&) = default;
};

/// What a stop at the thread boundary took.
struct thread_stop {
  leaving at = leaving::in_place;
  unsigned signals = 0;           ///< kicks that the thread has taken because of this stop
  duration walk{};                ///< of the look at the stack that decided, by far the larger part of a kick
  std::uint64_t arena_bytes = 0;  ///< taken from the task's own memory resource and given back
  stop_refusal refused{};         ///< kind is none when it has stopped
};

[[nodiscard]] std::string_view to_string(leaving l) noexcept;
[[nodiscard]] std::string_view to_string(obstacle o) noexcept;
/// As in "foreign_module{libfoo.so}".
[[nodiscard]] std::string describe(const stop_refusal& r);

}  // namespace workit
