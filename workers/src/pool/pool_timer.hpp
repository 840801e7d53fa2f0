// A timer of a pool, and whether it is set.
#pragma once

#include <workit/base/timer_fd.hpp>

namespace workit::workers {

/// A timer_fd that is set only while it is not: what it was set for first stays, but for set_at_latest(). External
/// synchronisation: the pool's mutex; take_fired() and the descriptor need none. Invariant: is_set() from a set_*()
/// until expired(), called by the function that heard it fire.
class pool_timer {
 public:
  [[nodiscard]] timer_fd& timer() noexcept { return timer_; }
  [[nodiscard]] bool is_set() const noexcept { return set_; }

  void set_after(duration pause) noexcept {
    if (!std::exchange(set_, true)) timer_.fire_after(pause);
  }
  void set_at(time_point when) noexcept {
    if (!std::exchange(set_, true)) timer_.fire_at(when);
  }
  /// Fires then, or earlier where it is set to. The other set_*() are not for the same timer.
  void set_at_latest(time_point when) noexcept {
    if (std::exchange(set_, true) && at_ <= when) return;
    at_ = when;
    timer_.fire_at(when);
  }
  void set_every(duration period) noexcept {
    if (!std::exchange(set_, true)) timer_.fire_every(period);
  }
  /// It has fired, or is to fire no more.
  void expired() noexcept { set_ = false; }

  [[nodiscard]] bool take_fired() noexcept { return timer_.take_fired(); }

 private:
  timer_fd timer_;
  bool set_ = false;
  time_point at_{};  // of set_at_latest()
};

}  // namespace workit::workers
