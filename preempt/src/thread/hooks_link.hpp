// How the library of interposed calls announces itself to this one.
#pragma once

namespace workit::preempt {

/// The addresses by which a call must be found for the interposition to hold.
struct interposed_calls {
  const void* malloc = nullptr;
  const void* pthread_mutex_lock = nullptr;
  const void* raise_exception = nullptr;
  const void* sigmask = nullptr;
  const void* begin_catch = nullptr;
  const void* guard_acquire = nullptr;
  /// Fills in the functions behind the interposed ones. Idempotent.
  void (*resolve)() = nullptr;
};

/// Called before main by a program that links workit::preempt_thread.
void announce(const interposed_calls& calls) noexcept;

}  // namespace workit::preempt
