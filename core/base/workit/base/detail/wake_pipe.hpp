// A pipe by which other processes wake a thread of this one.
#pragma once

#include <workit/base/unique_fd.hpp>

namespace workit::detail {

/// Owns both ends. Other processes are given the writing end only: what they do with it, reading or changing its flags,
/// takes no wake from this process or from each other. (An eventfd is one open file for all: one process could read
/// away what another has written, or make the reader of this process block.)
/// Threads: as an int.
class wake_pipe {
 public:
  /// None.
  wake_pipe() = default;
  /// None, and errno, when descriptors have run out.
  [[nodiscard]] static wake_pipe make() noexcept;

  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(writing_); }
  /// Readable after a write, until all of it is drained. Close-on-exec, as the other one.
  [[nodiscard]] int get() const noexcept { return reading_.get(); }
  /// Takes any bytes, at most PIPE_BUF at once. Does not block: EAGAIN means that a wake is waiting already.
  [[nodiscard]] int writing() const noexcept { return writing_.get(); }
  /// Whether anything was written since; takes 64 KiB of it at most. Blocks: no.
  bool drain() noexcept;
  /// Closes both.
  void reset() noexcept;

 private:
  unique_fd reading_;
  unique_fd writing_;
};

}  // namespace workit::detail
