// fiber: one fiber, where it is parked, and the work that it runs.
#pragma once

#include <cstdint>
#include <workit/base/clock.hpp>

namespace workit::detail {

class loop;
class stoppable;

/// Lives on the stack of the fiber itself, from its first to its last instruction. Every suspension in the process goes
/// through switch_away(), which keeps the exceptions of different fibers apart (docs/design/0003-fibers.md).
/// Threads: the home loop's only.
class fiber {
 public:
  explicit fiber(loop& home);
  ~fiber();
  fiber(const fiber&) = delete;
  fiber& operator=(const fiber&) = delete;

  /// The fiber that runs now; null on a loop's own stack (handlers, stop callbacks) and on foreign threads.
  [[nodiscard]] static fiber* current() noexcept { return running_; }
  /// The same, where only a fiber may be. Errors: asserts that `act` suspends.
  static fiber& require(const char* act);
  /// For a thread that leaves its fibers for good: there is none from now on.
  static void forget_current() noexcept { running_ = nullptr; }

  /// Suspends until wake(), or without cause: callers wait in a loop. `note` names in a word or two what is waited for,
  /// for snapshots. Blocks: the fiber. Cancel: does not look. Lifetime: the note's is the program's.
  void park(const char* note = "event");
  /// Makes a parked fiber run again; one that is not parked is left alone.
  void wake() noexcept;
  /// Lets the other ready fibers run first.
  void yield();

  /// Waits until `ready()`. Returns false if it was given up: the current node is stopping, or, while an exception
  /// unwinds this fiber (cancel points are shielded then), the bound of cleanups ran out.
  template <class Ready>
  bool wait(const char* note, Ready&& ready) {
    has_given_way_ = false;
    while (!ready()) {
      if (interrupted()) return false;
      park(note);
    }
    return true;
  }
  template <class Ready>
  bool wait(Ready&& ready) {
    return wait("event", ready);
  }
  /// Waits until `ready()`, come what may.
  template <class Ready>
  void wait_shielded(const char* note, Ready&& ready) {
    while (!ready()) park(note);
  }
  template <class Ready>
  void wait_shielded(Ready&& ready) {
    wait_shielded("event", ready);
  }

  /// What it waits for; null while it runs or is about to.
  [[nodiscard]] const char* waits_for() const noexcept { return parked_ ? note_ : nullptr; }

  /// A cancel point: if the current node is stopping and nothing shields, yields, then throws `cancelled`. It yields
  /// first so that a loop that swallows exceptions cannot starve its neighbours.
  void check();
  /// What a wait that was given up does: as check(), but one that has suspended has let the neighbours run.
  void leave();
  [[nodiscard]] bool interrupted();

  /// Whether it runs on a stack of the loop's pool; else it runs on its thread's own.
  [[nodiscard]] bool has_own_stack() const noexcept;
  /// Bytes of the stack below the caller's frame; the greatest number when that is not known. Threads: its own.
  [[nodiscard]] std::size_t stack_left() noexcept;

  loop& home;
  stoppable* current_node = nullptr;  ///< the innermost task, scope or cleanup whose body runs here

 private:
  static constinit inline thread_local fiber* running_ = nullptr;

  void switch_away(bool ready_again);
  void bound_unwinding();
  void stop_here();

  void* const handle_;  // boost::fibers::context*
  bool parked_ = false;
  bool has_given_way_ = false;    // in the present wait()
  const char* note_ = nullptr;    // what the last suspension waited for
  std::uintptr_t stack_low_ = 0;  // the lowest address of the stack; 0 while that has not been asked for
  time_point unwind_bound_{};     // set once a shielded wait was entered while stopping
};

}  // namespace workit::detail
