// What the calling thread holds, and whether its task is to stop: the words that every interposed call looks at.
//
// Invariants
// 1. Only the thread itself, or a signal handler on it, writes the members other than `wanted` and `look`. A handler
//    leaves `held` as it found it, so no read-modify-write has to be atomic.
// 2. `task` is the number of the run of stoppable_thread::run() that is under way. No number is used twice, so a late
//    stop request matches no later task.
// 3. While `wanted` is the task, `look` has look_wanted: it is set after `wanted`, and cleared when the task is over
//    and no stop request is under way.
// Lock order: there are no locks.
#pragma once

#include <atomic>
#include <cstdint>

namespace workit::preempt {

/// Units of thread_mark::held: four counts in one word, so that one comparison says whether anything is held.
inline constexpr std::uint64_t held_lock = 1;
inline constexpr std::uint64_t held_call = std::uint64_t{1} << 16;   ///< inside the allocator, or looking at the stack
inline constexpr std::uint64_t held_guard = std::uint64_t{1} << 32;  ///< initialising something once
inline constexpr std::uint64_t held_exception = std::uint64_t{1} << 48;  ///< thrown, not yet caught

inline constexpr std::uint64_t no_task = ~std::uint64_t{0};

/// Bits of thread_mark::look.
inline constexpr std::uint32_t look_wanted = 1;   ///< `wanted` may be the task
inline constexpr std::uint32_t look_sorting = 2;  ///< the task has called qsort or its like

struct thread_mark {
  volatile std::uint64_t held = 0;
  std::atomic<std::uint64_t> task{no_task};   ///< read by any thread
  std::atomic<std::uint64_t> wanted{0};       ///< the task that is to stop; written by any thread
  std::atomic<std::uint32_t> look{0};         ///< not zero: the allocator's calls look at the other words, too
  const char* volatile blocked_in = nullptr;  ///< the waiting call under way, if it takes a lock before it returns
  const void* volatile locking = nullptr;     ///< the mutex that was asked for last, until any is given back
  volatile bool has_thread_locals = false;    ///< a destructor of a thread_local was registered, ever

  /// Requests that the task of that number stops. Threads: any.
  void want(std::uint64_t number) noexcept {
    wanted.store(number, std::memory_order_seq_cst);
    look.fetch_or(look_wanted, std::memory_order_seq_cst);
  }
  [[nodiscard]] bool is_wanted() const noexcept {
    return wanted.load(std::memory_order_relaxed) == task.load(std::memory_order_relaxed);
  }
};

/// Of the calling thread. Constant-initialised, in the executable's own TLS: reading it calls nothing.
extern constinit thread_local thread_mark this_mark [[gnu::tls_model("initial-exec")]];

/// Called by an interposed function when the task is to stop and holds nothing. Walks the stack, then leaves the task
/// from here, or makes the outermost library frame return to workit_returned.
void leave_here();

[[gnu::always_inline]] inline void hold(std::uint64_t unit) noexcept {
  this_mark.held = this_mark.held + unit;
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

/// The counterpart of hold(). May not return: the task is then over.
[[gnu::always_inline]] inline void let_go(std::uint64_t unit) {
  std::atomic_signal_fence(std::memory_order_seq_cst);
  const std::uint64_t left = this_mark.held - unit;
  this_mark.held = left;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (__builtin_expect(left == 0 && this_mark.is_wanted(), 0)) leave_here();
}

/// let_go() of a unit that this thread may not have counted: a lock of another thread, an exception caught twice.
[[gnu::always_inline]] inline void let_go_if_held(std::uint64_t unit) {
  if ((this_mark.held & unit * 0xffff) != 0) let_go(unit);
}

}  // namespace workit::preempt
