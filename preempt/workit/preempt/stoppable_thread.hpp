// A thread whose tasks can be stopped from outside, where that is safe.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <workit/base/deadline_point.hpp>
#include <workit/base/thread_stop.hpp>
#include <workit/preempt/why_unsupported.hpp>

namespace workit::preempt {

struct thread_state;

/// A handle by which other threads stop the tasks of a stoppable thread. Outlives the thread. Threads: any.
class kick_handle {
 public:
  /// Requests that the task of that number ends, waits a microsecond for it to see that (5 us while it holds
  /// something), and then interrupts the thread with a signal, unless an earlier kick is still pending. False when that
  /// task is over. Blocks: no; a system call of some microseconds.
  bool kick(std::uint64_t number) const noexcept;
  /// The obstacle that the last kick of the current task met.
  [[nodiscard]] stop_refusal why_not() const;
  /// Whether the thread has not taken the last kick yet.
  [[nodiscard]] bool kick_is_pending() const noexcept;
  /// Whether the thread's signal mask blocks kicks. Blocks: reads a file of /proc.
  [[nodiscard]] bool blocks_kicks() const noexcept;
  /// How many kicks the current task has taken.
  [[nodiscard]] unsigned signals() const noexcept;
  [[nodiscard]] pid_t id() const noexcept;
  /// The processor time that the thread has used; zero once it has ended.
  [[nodiscard]] duration cpu_time() const noexcept;
  /// The processor on which the thread was when it was last kicked; -1 when it was not, or that is not known.
  [[nodiscard]] int kicked_on() const noexcept;

 protected:
  explicit kick_handle(std::shared_ptr<thread_state> state) noexcept : state_(std::move(state)) {}
  std::shared_ptr<thread_state> state_;
};

/// How a run ended.
struct run_end {
  bool left = false;     ///< it was stopped: no destructor, catch block or guard of the task has run
  thread_stop how{};     ///< when left; the caller fills in arena_bytes
  time_point stopped{};  ///< when left: the instant of the task's last instruction
  bool spoilt = false;   ///< when left: the task's thread_locals are in no known state, so run nothing more here
};

struct stoppable_options {
  /// Bytes of the task's stack, below which there is a guard of 64 KiB; committed as it is used. std::regex needs about
  /// 740 bytes per character of input.
  std::size_t stack_size = std::size_t{8} << 20;
  /// Makes the stack of a stopped task unreadable and does not use it again: a pointer into it faults at once.
  bool quarantine = false;
};

/// Makes the calling thread one whose tasks can be stopped. Requires: why_unsupported() is empty.
///
/// run() calls a function on a stack of its own. Another thread stops the task of that run by kick(), which it repeats,
/// since each kick is one look. The thread leaves the task at once if every frame on its stack is the task's own (or
/// pure) and it holds nothing; else when it releases the last thing it holds, or when the library call that it is in
/// returns. A task that was left runs none of its destructors: what it owned is leaked.
///
/// Threads: made, run and ended on one thread.
class stoppable_thread : public kick_handle {
 public:
  /// Errors: std::system_error when there is no memory, or no timer, to be had.
  explicit stoppable_thread(stoppable_options options = {});
  ~stoppable_thread();
  stoppable_thread(const stoppable_thread&) = delete;
  stoppable_thread& operator=(const stoppable_thread&) = delete;

  /// Runs fn(argument), which does not throw. At `until` a kernel timer kicks once. A number is used once per process:
  /// see next_task_number(). When it returns, no signal of this run is pending, and errno, floating point environment,
  /// locale and cancellation are as they were when this was made; after a stop, all that thread_attributes has, too.
  run_end run(std::uint64_t number, deadline_point until, void (*fn)(void*), void* argument);

  /// How many kicks the timer had to send since the last call.
  [[nodiscard]] unsigned take_unqueued() noexcept;

  /// Whether `address` is in the guard below the task's stack. Async-signal-safe.
  [[nodiscard]] bool guards(std::uintptr_t address) const noexcept;

  /// Ends the calling thread, on which a run has ended `spoilt`, without the destructors of its thread_locals, which
  /// the task may have left half changed. `last` runs last, when this object is gone. The thread can be joined; its
  /// thread_locals and the allocator's cache of it leak.
  [[noreturn]] void end_thread(const std::function<void()>& last);

 private:
  void release() noexcept;

  stoppable_options options_;
};

/// A number for run(). Threads: any.
[[nodiscard]] std::uint64_t next_task_number() noexcept;

/// Lets tasks be stopped inside that shared library, given by the base name of its file ("libscore.so"). Its code
/// follows docs/thread-boundary.md as the executable's does. Applies to tasks that start afterwards. Threads: any.
void allow_module(std::string name);

}  // namespace workit::preempt
