// A file descriptor that is closed by its owner.
#pragma once

#include <unistd.h>

#include <utility>

namespace workit::workers {

class unique_fd {
 public:
  unique_fd() = default;
  explicit unique_fd(int descriptor) noexcept : descriptor_(descriptor) {}
  unique_fd(unique_fd&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~unique_fd() { reset(); }

  [[nodiscard]] int get() const noexcept { return descriptor_; }
  [[nodiscard]] explicit operator bool() const noexcept { return descriptor_ >= 0; }
  void reset() noexcept {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }

 private:
  int descriptor_ = -1;
};

}  // namespace workit::workers
