// wait_queue: the queue in which fibers and threads wait: below channels, mutexes, semaphores and events.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <workit/fiber/detail/spin_lock.hpp>

namespace workit::detail {

class fiber;

/// The entry of every operation that may wait, also when it need not: on a fiber a cancel point, on a foreign thread
/// nothing. Errors: `cancelled`; asserts on a loop's own stack that `act` suspends.
void enter_wait(const char* act);

/// The identity of the caller: its fiber, or the thread that runs none. Comparable while both are alive.
[[nodiscard]] const void* caller() noexcept;

/// How a wait ended.
enum class wait_end : std::uint8_t {
  granted,   ///< what was waited for was handed over
  refused,   ///< what was waited for will not come
  withdrawn  ///< the scope is stopping, and the waiter left the queue before it was chosen
};

/// What a queue is linked by; both null while outside.
struct wait_link {
  wait_link* next = nullptr;
  wait_link* previous = nullptr;
};

/// One wait, on the stack of the fiber or thread that waits. The thread that pops it has chosen it, and owes it one
/// wake(); until then it stays, whatever happens to its scope, so that nothing handed to it is lost.
/// Threads: made and awaited by its own; woken from any.
class waiter : private wait_link {
 public:
  explicit waiter(void* place = nullptr) noexcept;
  waiter(const waiter&) = delete;
  waiter& operator=(const waiter&) = delete;

  /// Ends the wait; the waiter may be gone when this returns. On the waiter's own loop it costs no post and no
  /// allocation. Threads: any.
  void wake(wait_end how = wait_end::granted) noexcept;

  /// Where the value is, or is wanted, that its owner waits with.
  [[nodiscard]] void* place() const noexcept { return place_; }
  /// The identity of the waiting fiber or thread, as caller() gives it.
  [[nodiscard]] const void* owner() const noexcept { return owner_; }

 private:
  friend class wait_queue;
  enum signal : int { none, given, left_alone };

  void end(wait_end how) noexcept;
  void block_thread() noexcept;

  void* const place_;
  const void* const owner_;
  fiber* const fiber_;  // null on a foreign thread
  wait_end how_ = wait_end::withdrawn;
  bool over_ = false;              // for a fiber: its home loop's
  std::atomic<int> signal_{none};  // for a thread
};

/// First in, first out; intrusive. Threads: all members under the lock of the queue's owner, except await and wake_all,
/// which take it. Lifetime: outlives its waiters.
class wait_queue {
 public:
  wait_queue() noexcept { ends_.next = ends_.previous = &ends_; }
  ~wait_queue();
  wait_queue(const wait_queue&) = delete;
  wait_queue& operator=(const wait_queue&) = delete;

  [[nodiscard]] bool empty() const noexcept { return ends_.next == &ends_; }
  void push(waiter& w) noexcept;
  /// Chooses the first; null when there is none. The caller owes it a wake().
  [[nodiscard]] waiter* pop() noexcept { return empty() ? nullptr : unlink(*ends_.next); }
  /// Takes over all that wait in `other`; they are not chosen yet.
  void take(wait_queue& other) noexcept;

  /// Whether the end of the scope can end a wait. While an exception unwinds the fiber, nothing does but a wake():
  /// the frame needs its answer.
  enum class cancel_point : bool { no, yes };

  /// Suspends until `w`, which was pushed under `lock`, is woken, or has withdrawn because its scope is stopping; then
  /// the caller makes good what it must and calls leave_wait(). Blocks: the fiber, or the foreign thread.
  [[nodiscard]] static wait_end await(waiter& w, spin_lock& lock, cancel_point can_end = cancel_point::yes);

  /// Wakes all, in order, and touches neither `lock` nor this queue's old owner after the last.
  void wake_all(spin_lock& lock, wait_end how = wait_end::granted) noexcept;

 private:
  static waiter* unlink(wait_link& link) noexcept;
  static bool withdraw(waiter& w, spin_lock& lock) noexcept;

  wait_link ends_;
};

/// Throws `cancelled`, after yielding: what follows wait_end::withdrawn.
[[noreturn]] void leave_wait();

/// The usual wait: in `queue`, whose lock is held as `lock` and is free afterwards. Blocks: the fiber, or the thread.
/// Cancel: is a cancel point; a wait that was granted is granted. Returns granted or refused.
wait_end wait_in(wait_queue& queue, waiter& w, std::unique_lock<spin_lock>& lock);

}  // namespace workit::detail
