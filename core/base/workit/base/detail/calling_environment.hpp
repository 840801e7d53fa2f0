// What a function can leave changed in the thread that called it, and what no system call is needed to put back.
#pragma once

#include <locale.h>

#include <cfenv>

namespace workit::detail {

/// errno, the floating point environment (rounding, masks and flags of x87 and SSE), the thread's locale, and whether
/// and how the thread can be cancelled. Threads: taken and restored on one thread.
class calling_environment {
 public:
  /// Of the calling thread, for which no cancellation is pending.
  calling_environment() noexcept;
  /// As it was; errno is 0. Some nanoseconds where nothing has changed.
  void restore() const noexcept;

 private:
  [[nodiscard]] bool has_floating_point() const noexcept;

  std::fenv_t floating_point_{};
  locale_t locale_{};
  int cancel_state_ = 0;
  int cancel_type_ = 0;
};

}  // namespace workit::detail
