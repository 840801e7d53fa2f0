// A worker's view of its block: the control page, and the payload behind it.
#pragma once

#include <sys/types.h>

#include <span>
#include <workit/workers/detail/control_block.hpp>

namespace workit::workers {

/// The control page stays where it is; the payload's mapping moves as it grows. Threads: the worker's one.
class payload {
 public:
  /// Maps the file behind `descriptor`. Errors: false from mapped().
  explicit payload(int descriptor) noexcept;
  [[nodiscard]] bool mapped() const noexcept { return control_ != nullptr; }
  [[nodiscard]] control_block& control() const noexcept { return *control_; }
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

  /// The first `size` bytes, in place; the host has written them. Errors: std::system_error when they cannot be mapped.
  [[nodiscard]] std::span<const std::byte> view(std::size_t size);

  /// The memory that is mapped, for a frame that begins there. Lifetime: until view() or write().
  [[nodiscard]] std::span<std::byte> room() noexcept { return {content_, size_}; }
  /// Writes `frame` to the front, unless it is there. Errors: std::system_error, e.g. when memory has run out.
  void write(std::span<const std::byte> frame);

  /// Whether the descriptor still is our file: a task can have closed it, and opened another in its place.
  /// Async-signal-safe.
  [[nodiscard]] bool descriptor_intact() const noexcept;

 private:
  [[nodiscard]] bool map(std::size_t size) noexcept;

  int descriptor_;
  ino_t inode_ = 0;
  control_block* control_ = nullptr;
  std::byte* content_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace workit::workers
