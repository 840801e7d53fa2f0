// Stops of threads of this process that are under way: kicked again and again until they are over.
#pragma once

#include <memory>
#include <workit/base/clock.hpp>

namespace workit::preempt {

class warden;

/// One such stop. Implemented by a pool of threads.
class thread_stop_attempt {
 public:
  virtual ~thread_stop_attempt() = default;
  /// Kicks the thread; false once the task is over, or will be told so by somebody else: then it is forgotten. Threads:
  /// the warden's, or that of begin(). Does not block.
  virtual bool kick() noexcept = 0;
  /// The patience is over. True: it is given up, and kicked on now and then; false: it cannot be yet, and is to be
  /// asked again after the next kick. Threads: the warden's, with no lock. Does not block.
  virtual bool give_up() noexcept = 0;
};

/// Rungs: a kick at once, then after 0.1, 0.2, 0.4, 0.8 and 1.6 ms, then every 2 ms while there is patience, and every
/// 10 ms afterwards. One is enough nearly always; a second one finds what had just taken a lock.
/// Threads: any. Lifetime: ends before its warden; what is under way is then kicked no more.
class stop_ladder {
 public:
  /// Errors: std::system_error when descriptors have run out.
  explicit stop_ladder(warden& by);
  ~stop_ladder();
  stop_ladder(const stop_ladder&) = delete;
  stop_ladder& operator=(const stop_ladder&) = delete;

  /// Kicks for the first time before it returns.
  void begin(std::shared_ptr<thread_stop_attempt> attempt, duration patience);
  /// That attempt is over: the warden is not woken for it any more, on the processor of somebody whom the kernel may
  /// then leave waiting for the rest of a tick. Does nothing when there is none. Blocks: no.
  void end(const thread_stop_attempt& attempt) noexcept;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace workit::preempt
