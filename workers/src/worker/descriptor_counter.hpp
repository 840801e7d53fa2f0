// Counts the open descriptors of this process without looking up a path, after every task.
#pragma once

#include "kept_directory.hpp"

namespace workit::workers {

/// Threads: the worker's.
class descriptor_counter {
 public:
  /// Opens /proc/self/fd; when that fails count() is ~0.
  void open() noexcept;
  /// How many are open, in some tenths of a microsecond; more than any baseline when our own is gone. Before Linux 6.2
  /// it is the lowest number that is free, which may be less, in a microsecond: that is what an open needs.
  [[nodiscard]] unsigned count() const noexcept;
  /// That number; ~0 when there is none. Makes a descriptor for a moment.
  [[nodiscard]] static unsigned lowest_free() noexcept;

 private:
  kept_directory descriptors_;
};

}  // namespace workit::workers
