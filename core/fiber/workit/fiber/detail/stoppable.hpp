// stoppable: what a fiber and its loop know of the task, scope or cleanup that they run.
#pragma once

#include <atomic>
#include <cstdint>
#include <workit/base/cancel_cell.hpp>
#include <workit/base/detail/guarded_stacks.hpp>

namespace workit::detail {

class loop;

/// When a stoppable gets a cancel cell of its own.
enum class cell_made : std::uint8_t {
  at_once,
  when_needed,  ///< most tasks end without having been cancelled alone or having opened anything below them
};

/// Base of the nodes of the tree: whether the work is being stopped, and its entry in the queue of its loop. The tree
/// itself stands above the fibers, which therefore call it through the virtual functions here; no hot path does.
/// Threads: the home loop's, except `home`, which does not change, cell() and ruling_cell().
class stoppable {
 public:
  stoppable(const stoppable&) = delete;
  stoppable& operator=(const stoppable&) = delete;

  /// Whether this is being stopped, by a cancellation or by a deadline that the clock has passed. It is exact also
  /// while a fiber holds the loop and no other thread keeps the deadline.
  [[nodiscard]] bool stopping() { return quiet_since_ != cancel_cell::epoch() && look_whether_stopping(); }

  /// The cell that is cancelled to stop just this and what is below; made by the first call. For work that ended
  /// without a cell it is one closed cell, which no work listens to. Threads: any.
  [[nodiscard]] const cancel_cell::ptr& cell();
  /// The cell that rules here: its own, if there is one, else the one above. Threads: any.
  [[nodiscard]] cancel_cell& ruling_cell() const noexcept;

  /// Moves the deadline to `to` if that is earlier, and has it watched.
  void tighten(deadline_point to);

  /// How long one cleanup below may take.
  [[nodiscard]] virtual duration cleanup_bound() const noexcept = 0;
  /// Delivers a cancellation to this and to all below it that is stopping. On the loop's own stack.
  virtual void deliver_below() = 0;
  /// Says in `text` which task its fiber runs, and in which scope. On that fiber. Async-signal-safe.
  virtual void describe(signal_text& text) noexcept = 0;
  /// Of a task: its whole life, on the fiber that calls. Errors: asserts for everything else.
  virtual void run();

  loop* const home;  ///< kept by the cell above, or by its own where there is none

 protected:
  stoppable(loop& home, stoppable* above, cell_made when, cancel_cell::shield shield);
  ~stoppable();

  /// Begins with what `above` knows of a stop, where the same cell rules both.
  void look_as(const stoppable& above) noexcept;
  /// Nothing can be decided here any more; listeners find no owner.
  void close_cell() noexcept;

 private:
  [[nodiscard]] cancel_cell::ptr make_cell(cancel_cell::shield shield);
  bool look_whether_stopping();

  const cancel_cell::ptr above_;                            // the cell of the parent; null in a root
  std::atomic<const cancel_cell::ptr*> own_cell_{nullptr};  // set once: a cell of its own, or the closed one
  // The epoch in which the ruling cell was last looked at and was not stopping; with a deadline, which needs a look at
  // the clock each time, also `has_deadline`, a bit that no epoch has.
  std::uint64_t quiet_since_ = 0;
};

}  // namespace workit::detail
