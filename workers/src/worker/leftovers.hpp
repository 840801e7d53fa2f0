// Whether a task has left threads, child processes or many descriptors behind, which costs its worker.
#pragma once

#include <cstddef>

#include "descriptor_counter.hpp"
#include "thread_counter.hpp"

namespace workit::workers {

/// Threads: the worker's one.
class leftovers {
 public:
  /// Takes the threads and children that the process has now as its own. `sandboxed`: the worker cannot open files in
  /// /proc later.
  void begin(bool sandboxed) noexcept;
  /// Takes the descriptors that are open now as its own. Beyond these tasks may leave `most` open, or half of what
  /// RLIMIT_NOFILE has room for if that is less; 0: as many as they like.
  void begin_descriptors(unsigned most) noexcept;

  /// Reaps the children that have ended. True when there are more running ones than at the beginning, more threads than
  /// then and `more_own_threads`, or too many descriptors. Blocks: no; a sandboxed worker gives threads that were
  /// joined 2 ms to end.
  [[nodiscard]] bool exist(unsigned more_own_threads) noexcept;

  /// How many descriptors are open; ~0 when that cannot be told.
  [[nodiscard]] unsigned descriptors() const noexcept { return descriptor_counter_.count(); }
  /// How many there may be before they are too many.
  [[nodiscard]] unsigned most_descriptors() const noexcept { return most_descriptors_; }

 private:
  [[nodiscard]] bool has_children() const noexcept;
  [[nodiscard]] bool has_threads(unsigned own) const noexcept;
  [[nodiscard]] bool has_descriptors() noexcept;

  thread_counter counter_;
  descriptor_counter descriptor_counter_;
  unsigned threads_ = 1;
  unsigned tasks_ = 0;
  unsigned most_descriptors_ = ~0U;
  int first_too_many_ = -1;  // a number
  std::size_t children_ = 0;  // of worker_init, e.g. the zygote of a pool of its own
  bool sandboxed_ = false;
};

}  // namespace workit::workers
