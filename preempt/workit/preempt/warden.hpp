// The host thread that keeps deadlines, stops work and hears of deaths. It never runs user code.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <workit/base/alarm.hpp>
#include <workit/base/deadline_point.hpp>
#include <workit/preempt/host_life.hpp>
#include <workit/preempt/lease.hpp>

namespace workit::preempt {

class death_listener;

/// Drops the warden's thread to normal priority for work paced by others, such as copying what a task writes. On other
/// threads it does nothing. Threads: made and ended on one thread.
class normal_priority_scope {
 public:
  normal_priority_scope() noexcept;
  ~normal_priority_scope();
  normal_priority_scope(const normal_priority_scope&) = delete;
  normal_priority_scope& operator=(const normal_priority_scope&) = delete;

 private:
  const bool leaves_;
};

/// What is under a warden's care at one moment.
struct warden_load {
  std::size_t deadlines = 0;  ///< armed cells
  std::size_t leases = 0;     ///< tasks enlisted, neither retired nor stopped
  std::size_t unproven = 0;   ///< stops whose kill was sent and whose proof is awaited
};

/// Owns: a thread, a timerfd over a heap of deadlines, the leases, an epoll set for descriptors that pools watch, the
/// host-life mutexes. The thread has the lowest real-time priority (SCHED_RR, 1) where the host may have that (root,
/// CAP_SYS_NICE or RLIMIT_RTPRIO), so it is on time beside computing threads. It alone keeps the deadlines. A canceller
/// stops the tasks below the cancelled cell on its own thread: no wake-up lies between the request and the kill.
///
/// Threads: any. Lifetime: outlives every pool that uses it; leases are retired before it ends (asserted). Its
/// destructor waits until every stop under way is proven, runs what was posted before, and forgets cells that are still
/// armed.
class warden final : public alarm {
 public:
  /// Starts the thread, which takes the host-life mutexes before this returns. Deadlines are read off `clock`; a manual
  /// one is looked at every millisecond of machine time while something is armed.
  /// Errors: std::system_error when descriptors, memory or threads have run out.
  explicit warden(clock_source& clock = steady_clock_source::instance());
  ~warden() override;

  void arm(const std::shared_ptr<cancel_cell>& cell, time_point at) override;
  void disarm(cancel_cell& cell) noexcept override;
  /// With the barrier, every task below `cell` is stopped and told before this returns. With a weaker proof, and for a
  /// worker that could not be killed, this sends the kill, and another thread calls stopped() later.
  void cancelled(const cancel_cell& cell) noexcept override;

  /// Puts a task under the warden's care. If its cell is stopping already, the task is stopped as by cancelled() before
  /// this returns, unless the canceller's thread claims it at the same moment.
  void enlist(std::shared_ptr<lease> task);
  /// The task has ended by itself, or its lease was handed back. Idempotent.
  void retire(lease& task) noexcept;

  /// Stops those of `tasks` that are under its care, for reason::shutdown: the end of a pool. Their cells are not
  /// touched, and a grace is cut short. Every kill is sent before the first proof is awaited. A task whose worker
  /// cannot be proven dead by `until` (machine time) is told a receipt whose proof is `none`; a stop in place has only
  /// begun. Blocks: until every task that this call claimed was told.
  void shut_down(std::span<const std::shared_ptr<lease>> tasks, deadline_point until) noexcept;

  /// Calls `ready` on the warden's thread each time `descriptor` is readable (level-triggered), until unwatched.
  /// `ready` must be short, not throw, and take no lock that is ever held while calling the warden. It may unwatch
  /// itself and others. Errors: std::system_error when the descriptor cannot be watched.
  void watch(int descriptor, std::function<void()> ready);
  /// After it returns, `ready` does not run and will not run. On the warden's own thread: after the current call.
  /// One that is not watched is fine.
  void unwatch(int descriptor) noexcept;
  /// Runs `work` on the warden's thread, soon, in the order of posting; it must be short and not throw.
  void post(std::function<void()> work);

  /// Which proof this machine has passed; barrier until told otherwise.
  [[nodiscard]] stop_proof proof() const noexcept;
  /// Sets what the start-up self-test has found.
  void set_proof(stop_proof p) noexcept;

  /// The process's one listener for life mutexes, for deaths that are no stop of the warden's.
  [[nodiscard]] death_listener& deaths() noexcept;

  /// How much there is at this moment. Threads: any.
  [[nodiscard]] warden_load load() const noexcept;

  /// A mutex that the warden's thread holds for as long as this process lives. A process that waits for it learns of
  /// the host's death before the host's memory is torn down. Errors: std::system_error when 256 are taken.
  [[nodiscard]] host_life_place host_life();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace workit::preempt
