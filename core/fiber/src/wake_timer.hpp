// wake_timer: wakes one fiber at an instant.
#pragma once

#include <workit/fiber/detail/fiber.hpp>
#include <workit/fiber/detail/loop.hpp>

namespace workit::detail {

/// Armed for as long as it lives, or until it fires. Threads: the fiber's home loop. Lifetime: on the fiber's stack.
class wake_timer final : public timer {
 public:
  wake_timer(fiber& f, time_point at) : fiber_(f) { fiber_.home.arm(*this, at); }
  ~wake_timer() { fiber_.home.disarm(*this); }
  wake_timer(const wake_timer&) = delete;
  wake_timer& operator=(const wake_timer&) = delete;
  void fire() override { fiber_.wake(); }

 private:
  fiber& fiber_;
};

}  // namespace workit::detail
