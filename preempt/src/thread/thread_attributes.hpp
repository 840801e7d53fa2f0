// What the kernel keeps of a thread and a task can change, and how it becomes as it was.
#pragma once

#include <sched.h>

#include <csignal>
#include <optional>
#include <workit/base/detail/scheduling.hpp>

namespace workit::preempt {

/// Signal mask, alternate signal stack, name, policy, niceness, slice, processors, and timer slack.
/// Threads: taken and restored on one thread.
class thread_attributes {
 public:
  /// Of the calling thread.
  thread_attributes() noexcept;
  /// As they were; what the kernel does not permit stays (a higher priority, where the process may not have one). A
  /// system call for each, and one more for each that has changed.
  void restore() const noexcept;
  [[nodiscard]] const sigset_t& mask() const noexcept { return mask_; }

 private:
  sigset_t mask_{};
  stack_t signal_stack_{};
  char name_[16] = {};
  std::optional<workit::detail::scheduling> scheduling_;
  std::optional<cpu_set_t> cpus_;
  unsigned long timer_slack_ = 0;
};

}  // namespace workit::preempt
