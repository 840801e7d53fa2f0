// A thread whose tasks can be stopped from outside, where that is safe.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <workit/base/deadline.hpp>
#include <workit/base/thread_stop.hpp>

namespace workit::preempt {

struct thread_state;

/// The outside of a stoppable thread: by it others stop its tasks. Outlives the thread. Threads: any.
class kick_handle {
 public:
  /// Says that the task of that number is to end, gives it a microsecond to see that by itself (5 us while it holds
  /// something), and else interrupts the thread for a look, unless a kick is on its way already. False when that task
  /// is over. Blocks: no; a system call of some microseconds.
  bool kick(std::uint64_t number) const noexcept;
  /// What stood in the way at the last look of the task under way.
  [[nodiscard]] stop_refusal why_not() const;
  /// Whether the last kick is still waiting for the thread to take it.
  [[nodiscard]] bool kick_is_pending() const noexcept;
  /// Whether the thread's signal mask keeps kicks away. Blocks: reads a file of /proc.
  [[nodiscard]] bool blocks_kicks() const noexcept;
  /// How many kicks the task under way has taken.
  [[nodiscard]] unsigned signals() const noexcept;
  [[nodiscard]] pid_t id() const noexcept;
  /// The processor time that the thread has used; zero once it has ended.
  [[nodiscard]] duration cpu_time() const noexcept;
  /// The processor on which the thread was when it was last kicked; -1 when it was not, or nobody can tell.
  [[nodiscard]] int kicked_on() const noexcept;

 protected:
  explicit kick_handle(std::shared_ptr<thread_state> state) noexcept : state_(std::move(state)) {}
  std::shared_ptr<thread_state> state_;
};

/// How a run came to its end.
struct run_end {
  bool left = false;     ///< it was stopped: no destructor, catch block or guard of the task has run
  thread_stop how{};     ///< when left; arena_bytes is the caller's to fill in
  time_point stopped{};  ///< when left: of the task's last instruction
  bool spoilt = false;   ///< when left: thread_locals of the task remain as they were, so run nothing more here
};

struct stoppable_options {
  /// Bytes of the task's stack, below which there is a guard page; committed as it is used. std::regex needs about 740
  /// bytes per character of input.
  std::size_t stack_size = std::size_t{8} << 20;
  /// Takes stacks that were left out of use, and makes them unreadable: what still points into one is found at once.
  bool quarantine = false;
};

/// Makes the calling thread one whose tasks can be stopped. Requires: why_unsupported() has said nothing.
///
/// run() calls a function on a stack of its own. Another thread that wants the task of that run to end calls kick(),
/// again and again, since each kick is one look: the thread leaves the task at once if every frame on its
/// stack is the task's own (or pure) and nothing is held; later, when it lets go of what it held; or when the library
/// call that it is in returns. A task that was left runs none of its destructors, and owns what it owned for ever.
///
/// Threads: made, run and ended on one thread.
class stoppable_thread : public kick_handle {
 public:
  /// Errors: std::system_error when there is no memory, or no timer, to be had.
  explicit stoppable_thread(stoppable_options options = {});
  ~stoppable_thread();
  stoppable_thread(const stoppable_thread&) = delete;
  stoppable_thread& operator=(const stoppable_thread&) = delete;

  /// Runs fn(argument), which does not throw. At `until` a timer of the kernel's does once what kick() does. A number
  /// is used once per process: see next_task_number(). Afterwards no signal of this run is on its way.
  run_end run(std::uint64_t number, deadline until, void (*fn)(void*), void* argument);

  /// Ends the calling thread, a run on which has ended `spoilt`, without the destructors of its thread_locals: what the
  /// task was doing to them is half done. `last` is the last that runs on it, with this object gone. The thread can be
  /// joined; its thread_locals and the allocator's cache of it leak.
  [[noreturn]] void end_thread(const std::function<void()>& last);

 private:
  void release() noexcept;

  stoppable_options options_;
};

/// A number for run(). Threads: any.
[[nodiscard]] std::uint64_t next_task_number() noexcept;

/// Why threads cannot be stopped in this process, as a sentence that says what to do; empty when they can.
/// Blocks: the first time, for some milliseconds. Threads: any.
[[nodiscard]] const std::string& why_unsupported();

/// Lets tasks be left inside that shared library, by the base name of its file ("libscore.so"): of code that keeps to
/// docs/thread-boundary.md as the executable's own does. Counts for tasks that start afterwards. Threads: any.
void allow_module(std::string name);

}  // namespace workit::preempt
