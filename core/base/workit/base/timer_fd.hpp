// timer_fd: a timer of the steady clock whose descriptor is readable once it has fired.
#pragma once

#include <workit/base/clock.hpp>
#include <workit/base/unique_fd.hpp>

namespace workit {

/// Owns one timerfd(2), or none. Setting it replaces what it was set to. One that is none ignores every call.
/// Threads: any, except that reset() and a move come after the last call. Blocks: no.
class timer_fd {
 public:
  /// None.
  timer_fd() = default;
  /// A timer that is off. Errors: std::system_error when descriptors have run out.
  [[nodiscard]] static timer_fd make();

  /// The descriptor, still owned; negative when there is none.
  [[nodiscard]] int get() const noexcept { return descriptor_.get(); }
  [[nodiscard]] explicit operator bool() const noexcept { return !!descriptor_; }

  /// Fires once after `pause`; at once when that is not above zero.
  void fire_after(duration pause) noexcept;
  /// Fires once at `when`; at once when that has passed.
  void fire_at(time_point when) noexcept;
  /// Fires each time another `period`, which is above zero, has passed.
  void fire_every(duration period) noexcept;
  /// Does not fire any more. What it has fired is still there to be taken.
  void turn_off() noexcept;

  /// Whether it has fired since the last call; the descriptor is not readable afterwards.
  [[nodiscard]] bool take_fired() noexcept;
  /// Closes the descriptor.
  void reset() noexcept { descriptor_.reset(); }

 private:
  void set(duration first, duration period, int flags) noexcept;

  unique_fd descriptor_;
};

}  // namespace workit
