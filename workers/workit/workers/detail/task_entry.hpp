// Where on a thread's stack the frames of its task end: those behind are the runtime's, and in no backtrace.
#pragma once

namespace workit::workers {

/// While it lives, the thread's own task has no frames beyond `frame`, an address in the frame that calls the task's
/// function. Nests. Threads: made and ended on one thread.
class [[nodiscard]] task_entry {
 public:
  explicit task_entry(const void* frame) noexcept;
  ~task_entry();
  task_entry(const task_entry&) = delete;
  task_entry& operator=(const task_entry&) = delete;

  /// The innermost one of this thread; null when there is none. Async-signal-safe.
  [[nodiscard]] static const void* current() noexcept;

 private:
  const void* const outer_;
};

}  // namespace workit::workers
