// What a stoppable thread and its signal handler share.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <ctime>
#include <optional>
#include <workit/preempt/stoppable_thread.hpp>
#include <workit/preempt/thread_mark.hpp>

#include "stack_walk.hpp"

namespace workit::preempt {

/// An obstacle and its name in one word, so that another thread never reads an obstacle with the name of another one.
class noted_obstacle {
 public:
  /// `where` lives for ever. The kind is stored above the address: user addresses have 47 bits (Linux x86-64, unless a
  /// process asks for more).
  void set(obstacle kind, const char* where) noexcept {
    word_.store(reinterpret_cast<std::uintptr_t>(where) | std::uint64_t{static_cast<std::uint8_t>(kind)} << 56,
                std::memory_order_relaxed);
  }
  [[nodiscard]] stop_refusal get() const {
    const auto word = word_.load(std::memory_order_relaxed);
    const auto* const where = reinterpret_cast<const char*>(word & ~(std::uint64_t{0xff} << 56));
    return {static_cast<obstacle>(word >> 56), where != nullptr ? where : ""};
  }

 private:
  std::atomic<std::uint64_t> word_{0};
};

/// Invariants
/// 1. The members that are not atomic belong to the thread: to run() while no task is under way, to the handler and
///    leave_here() while one is. These two exclude each other by `held`: the handler does nothing while it is not zero.
/// 2. At most one return address is hijacked. It is restored before any walk, and before any exception is raised.
/// 3. The thread that is about to send a kick sets `kick_on_its_way`. The handler clears it first thing, or the sender
///    does when it finds the task over.
struct thread_state {
  stack_bounds stack;
  pid_t id = 0;
  thread_mark* mark = nullptr;
  timer_t timer{};
  clockid_t cpu_clock{};

  std::uintptr_t own_stack = 0;        // where workit_landing continues
  std::uintptr_t* hijacked = nullptr;  // the return address that was replaced
  std::uintptr_t hijacked_from = 0;    // by what it was
  std::int64_t due = 0;                // CLOCK_MONOTONIC nanoseconds at which the timer was to fire; 0 for never
  leaving how = leaving::in_place;     // set when the task is left
  duration walk{};
  std::int64_t left_at = 0;  // as `due`
  unsigned forks = 0;        // when the task began

  std::atomic<std::uint64_t> task{no_task};  // as the mark's, for others to read when the thread may have gone
  std::atomic<std::uint32_t> kick_on_its_way{0};
  std::atomic<bool> kicked_by_timer{false};
  std::atomic<unsigned> unqueued{0};  // kicks that the timer had to send
  std::atomic<unsigned> signals{0};
  const std::uint32_t* processor = nullptr;  // in the thread's own memory, as `mark`; null where the kernel keeps none
  std::atomic<int> kicked_on{-1};
  noted_obstacle in_the_way;
};

/// Of the calling thread; null where there is none.
extern constinit thread_local thread_state* this_state [[gnu::tls_model("initial-exec")]];

/// The signal by which threads are kicked; 0 until install_kick() has chosen it.
[[nodiscard]] int kick_signal() noexcept;
/// Installs the handler for the highest real-time signal that has none. False when all of them have handlers.
[[nodiscard]] bool install_kick() noexcept;

/// Restores the hijacked return address, if there is one.
void un_hijack() noexcept;

/// How many forks lie between this process and the one that install_kick() was called in.
[[nodiscard]] unsigned forks() noexcept;

/// CLOCK_MONOTONIC in nanoseconds. Async-signal-safe: clock_gettime (POSIX, 2.4.3).
[[nodiscard]] std::int64_t monotonic_ns() noexcept;

}  // namespace workit::preempt
