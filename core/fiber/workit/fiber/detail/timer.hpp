// timer: an action that a loop runs at an instant.
#pragma once

#include <workit/base/timer_heap.hpp>

namespace workit::detail {

/// Threads: the home loop's. Lifetime: disarmed before it goes (loop::disarm).
class timer : public timer_entry {
 public:
  /// Runs on the loop's own stack, already disarmed; must not suspend.
  virtual void fire() = 0;

 protected:
  ~timer() = default;
};

}  // namespace workit::detail
