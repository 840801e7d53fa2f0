// A scope in which the task of this thread is not stopped.
#pragma once

#include <workit/preempt/thread_mark.hpp>

namespace workit {

/// Delays a stop at the thread boundary until the scope ends: for hand-written locks (a spin bit, a lock-free structure
/// that other threads wait for) and for changes to shared data that must not stay half done. At other boundaries it
/// does nothing, and costs two nanoseconds. Nests. Threads: made and ended on one thread.
class [[nodiscard]] no_preempt_scope {
 public:
  no_preempt_scope() noexcept { preempt::hold(preempt::held_lock); }
  /// Does not return where a stop was waiting: the thread leaves the task here, without unwinding.
  ~no_preempt_scope() { preempt::let_go(preempt::held_lock); }
  no_preempt_scope(const no_preempt_scope&) = delete;
  no_preempt_scope& operator=(const no_preempt_scope&) = delete;
};

}  // namespace workit
