// Whether a task has left threads or child processes behind, which costs its worker.
#pragma once

#include "thread_counter.hpp"

namespace workit::workers {

/// Threads: the worker's one.
class leftovers {
 public:
  /// Takes the threads that the process has now as its own. `sandboxed`: the worker cannot open files in /proc later.
  void begin(bool sandboxed) noexcept;

  /// Reaps the children that have ended. True when one is still running, or when there are more threads than at the
  /// beginning and `more_own_threads`. Blocks: no; a sandboxed worker gives threads that were joined 2 ms to end.
  [[nodiscard]] bool exist(unsigned more_own_threads) const noexcept;

 private:
  [[nodiscard]] bool has_threads(unsigned own) const noexcept;

  thread_counter counter_;
  unsigned threads_ = 1;
  bool sandboxed_ = false;
};

}  // namespace workit::workers
