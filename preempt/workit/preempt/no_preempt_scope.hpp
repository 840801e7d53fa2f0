// A stretch of code in which its thread is not to be stopped.
#pragma once

#include <workit/preempt/thread_mark.hpp>

namespace workit {

/// While it lives, a task at the thread boundary is not left: for locks of one's own making (a spin bit, a lock-free
/// structure that others wait for) and for changes to shared data that must not stay half done. A stop that came
/// meanwhile happens at its end. Elsewhere it costs two nanoseconds and does nothing. Nests.
/// Threads: made and ended on one thread.
class [[nodiscard]] no_preempt_scope {
 public:
  no_preempt_scope() noexcept { preempt::hold(preempt::held_lock); }
  /// May not return: a stop that waited for this leaves the task here, without unwinding.
  ~no_preempt_scope() { preempt::let_go(preempt::held_lock); }
  no_preempt_scope(const no_preempt_scope&) = delete;
  no_preempt_scope& operator=(const no_preempt_scope&) = delete;
};

}  // namespace workit
