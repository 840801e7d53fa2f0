// The ladder of kicks by which a thread of this process is stopped.
#pragma once

#include <memory>
#include <workit/base/clock.hpp>

namespace workit::preempt {

class warden;

/// One stop under way. Implemented by a pool of threads.
class thread_stop_attempt {
 public:
  virtual ~thread_stop_attempt() = default;
  /// Kicks the thread. False once no further kick is needed: the task is over, or another thread settles it. Threads:
  /// the warden's, or that of begin(). Does not block.
  virtual bool kick() noexcept = 0;
  /// Grace expired. True: abandoned, kicked periodically. False: not yet possible; ask after the next kick. Threads:
  /// the warden's, without any lock. Does not block.
  virtual bool give_up() noexcept = 0;
};

/// Rungs: a kick at once, then after pauses of 0.1, 0.2, 0.4, 0.8 and 1.6 ms, then every 2 ms until the grace is over,
/// and every 10 ms afterwards. One kick nearly always suffices; the second one finds a task that had just taken a lock.
/// Threads: any. Lifetime: ends before its warden; stops under way are then kicked no more.
class stop_ladder {
 public:
  /// Errors: std::system_error when descriptors have run out.
  explicit stop_ladder(warden& by);
  ~stop_ladder();
  stop_ladder(const stop_ladder&) = delete;
  stop_ladder& operator=(const stop_ladder&) = delete;

  /// Kicks for the first time before it returns.
  void begin(std::shared_ptr<thread_stop_attempt> attempt, duration grace);
  /// Forgets an attempt that is over. Without this the warden would be woken once more for it, and the thread that runs
  /// on that processor could wait for the rest of a tick. Does nothing for an unknown attempt. Blocks: no.
  void end(const thread_stop_attempt& attempt) noexcept;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace workit::preempt
