// exit_from_work: what becomes of a runtime when the work that it waits for calls exit().
#pragma once

namespace workit::detail {

/// exit() destroys the thread_locals of the calling thread, then everything static, on that thread. A static runtime's
/// end waits for its work, and one piece of that never ends: the one that has called exit(). So each thread
/// is marked while it runs work, and a runtime that ends there runs the rest of exit() itself instead of waiting.
///
/// Marks that the calling thread runs work of a runtime, for as long as this lives.
class runs_work {
 public:
  runs_work() noexcept;
  ~runs_work();
  runs_work(const runs_work&) = delete;
  runs_work& operator=(const runs_work&) = delete;
};

/// Whether exit() has been called by work, on this thread. No runtime can be waited for here then.
[[nodiscard]] bool exit_comes_from_work() noexcept;

/// Runs what is left of exit(), with its status: handlers of atexit(), destructors of static objects. Called by one of
/// these; its object is not destroyed, and threads that still use it find it whole. Requires: exit_comes_from_work().
[[noreturn]] void finish_exit() noexcept;

}  // namespace workit::detail
