// unique_fd: a file descriptor that is closed by its owner.
#pragma once

#include <unistd.h>

#include <utility>

namespace workit {

/// Owns one file descriptor, or none. Threads: as an int. Errors of close(2) are ignored: no caller could act
/// on them.
class unique_fd {
 public:
  unique_fd() = default;
  /// Takes `descriptor`; a negative one is none.
  explicit unique_fd(int descriptor) noexcept : descriptor_(descriptor) {}
  unique_fd(unique_fd&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~unique_fd() { reset(); }

  /// The descriptor, still owned; negative when there is none.
  [[nodiscard]] int get() const noexcept { return descriptor_; }
  [[nodiscard]] explicit operator bool() const noexcept { return descriptor_ >= 0; }
  /// Closes it now.
  void reset() noexcept {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }

 private:
  int descriptor_ = -1;
};

}  // namespace workit
