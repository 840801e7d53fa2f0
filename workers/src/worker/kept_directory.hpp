// A directory of /proc/self that was opened once and is looked at without a path.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <workit/base/unique_fd.hpp>

namespace workit::workers {

/// Threads: the worker's. The descriptor is where tasks can reach it: one that is not what was opened counts for
/// nothing.
class kept_directory {
 public:
  /// When it cannot be opened look() has nothing.
  void open(const char* path) noexcept;
  /// Its attributes now, a tenth of a microsecond; nothing when the descriptor is gone.
  [[nodiscard]] std::optional<struct stat> look() const noexcept;

 private:
  [[nodiscard]] bool read(struct stat& at) const noexcept;

  unique_fd directory_;
  struct stat opened_ {};
};

}  // namespace workit::workers
