// The stack of the running task: its own frames, without those of the runtime that has called it.
#pragma once

namespace workit::workers {

inline constexpr int most_frames = 48;

struct task_frames {
  /// Innermost first. Each lies in the instruction that is running: a return address may be the next function's first.
  /// One more than are told.
  void* at[most_frames + 1];
  int count = 0;      ///< most_frames at most
  bool more = false;  ///< there are further ones

  static constexpr char further[] = "(further frames are cut)\n";
};

/// Those of the calling thread, from the `skip`th caller on; up to the task_entry of this thread, when it has one.
/// Async-signal-safe once it has been called: the first call loads the unwinder.
void take_backtrace(task_frames& to, int skip) noexcept;

}  // namespace workit::workers
