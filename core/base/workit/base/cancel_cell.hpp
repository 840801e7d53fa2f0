// cancel_cell: the one word that says whether a scope or task is being stopped, and why.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <workit/base/alarm.hpp>
#include <workit/base/deadline_point.hpp>
#include <workit/base/reason.hpp>
#include <workit/base/timer_heap.hpp>

namespace workit {

/// Whether a listener passes the cancellation on to the alarm. An alarm that cancels stops the work itself: no.
enum class tell_alarm : bool { no, yes };

/// Hears that a cell was cancelled; the home loop of the cell's owner.
class cancel_listener {
 public:
  virtual ~cancel_listener() = default;
  /// Runs on the canceller's thread, after the cell changed: posts the delivery, and calls alarm::cancelled() if told
  /// to. Runs no user code. Threads: any.
  virtual void cancelled(const std::shared_ptr<cancel_cell>& cell, tell_alarm then) noexcept = 0;
};

/// A node of the tree of cancellations. Cancelling is one compare-and-swap here, from any thread, running no user
/// code; descendants see it by walking up. The walk is skipped while nothing anywhere was cancelled since the last one.
///
/// Guarantees: request() returns true to exactly one caller; the first reason is never overwritten; when request()
/// has returned, stopping() is true in every descendant that is not shielded.
/// Threads: any, unless said. Lifetime: shared; keeps its parents alive.
class cancel_cell final : public std::enable_shared_from_this<cancel_cell>, public timer_entry {
 public:
  using ptr = std::shared_ptr<cancel_cell>;

  /// A shielded cell does not look at its parents: what they decide does not stop it.
  enum class shield : bool { off, on };

  /// `listener` hears of a cancellation of exactly this cell; none is fine.
  static ptr make(ptr parent, std::shared_ptr<cancel_listener> listener, shield s = shield::off);

  cancel_cell(ptr parent, std::shared_ptr<cancel_listener> listener, shield s);
  ~cancel_cell();
  cancel_cell(const cancel_cell&) = delete;
  cancel_cell& operator=(const cancel_cell&) = delete;

  /// Cancels this cell and all below it, unless it is already stopping or closed; true to the one caller that did.
  /// Blocks: only as alarm::cancelled says.
  bool request(cancel_reason why, tell_alarm then = tell_alarm::yes);

  /// Whether this cell, or one above it, was cancelled. Costs one load while nothing was cancelled anywhere.
  [[nodiscard]] bool stopping() const noexcept;
  /// The cancellation that rules here: its own, else that of the nearest cancelled parent; null when there is none.
  [[nodiscard]] const cancel_record* record() const noexcept;
  /// record(), or where that is null the passing of `until`: a deadline that the task's worker keeps as well, and may
  /// meet before this cell does. For a receipt of a stop seen at `now`. Requires: one of the two has happened.
  [[nodiscard]] cancel_record record_or(deadline_point until, time_point now) const;
  /// Its own cancellation only.
  [[nodiscard]] const cancel_record* own_record() const noexcept;
  /// Whether it was cancelled itself or closed: nothing more can be decided here.
  [[nodiscard]] bool decided() const noexcept { return state_.load(std::memory_order_acquire) != nullptr; }

  /// Moves the own deadline to `to` if that is earlier.
  void tighten(deadline_point to) noexcept;
  /// Says that the deadline here ends a time limit on one operation: it then cancels with reason::timeout.
  /// Threads: the owner's, before the deadline is set.
  void name_limit(duration limit) noexcept { limit_ = limit; }
  /// What to cancel with when the own deadline, `at`, has passed: reason::deadline, or reason::timeout under a limit.
  [[nodiscard]] cancel_reason expiry(deadline_point at, duration lateness) const;
  /// The own deadline.
  [[nodiscard]] deadline_point own_deadline() const noexcept;
  /// The earliest deadline from here up to the next shield.
  [[nodiscard]] deadline_point effective_deadline() const noexcept;
  /// Cancels the outermost cell, from here up, whose deadline has passed at `now`; whether this cell is then stopping.
  bool expire(time_point now);

  /// Its owner has ended: later requests change nothing and return false. Idempotent.
  void close() noexcept;

  [[nodiscard]] const ptr& parent() const noexcept { return parent_; }
  [[nodiscard]] bool is_shielded() const noexcept { return shield_ == shield::on; }
  /// Whether `ancestor` is this cell or rules it from above.
  [[nodiscard]] bool is_below(const cancel_cell& ancestor) const noexcept;

  /// The owner for the listener's use on its home thread; null once the owner has ended.
  void* owner = nullptr;

  /// Moves on with every cancellation and every tightened deadline; equal values mean that nothing changed between.
  [[nodiscard]] static std::uint64_t epoch() noexcept { return epoch_.load(std::memory_order_acquire); }

 private:
  [[nodiscard]] const cancel_cell* above() const noexcept { return shield_ == shield::on ? nullptr : parent_.get(); }

  static inline std::atomic<std::uint64_t> epoch_{1};  // not 0, so that a fresh cell (quiet since 0) walks once

  ptr parent_;  // constant until the end
  const std::shared_ptr<cancel_listener> listener_;
  const shield shield_;
  std::atomic<const cancel_record*> state_{nullptr};  // null, a record of ours, or the closed mark
  std::atomic<duration::rep> deadline_;
  duration limit_{};                                   // zero for none; constant once deadline_ is set
  mutable std::atomic<std::uint64_t> quiet_since_{0};  // the last epoch in which a walk found nothing
};

}  // namespace workit
