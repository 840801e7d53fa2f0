// Whether a task follows shortly upon the loss of a worker.
#pragma once

#include <chrono>
#include <utility>
#include <workit/base/clock.hpp>

namespace workit::workers {

/// Goes by the last time. Where a task is expected, a parked worker is roused at the loss, and looks for the task for a
/// moment: to wake one that sleeps takes longer than to give it a task. Guarded by the pool's mutex.
class follow_up {
 public:
  void lost(time_point at) noexcept { lost_ = at; }
  void submitted(time_point at) noexcept {
    constexpr auto shortly = std::chrono::microseconds(500);
    const auto lost = std::exchange(lost_, {});
    if (lost != time_point{}) expected_ = at - lost < shortly;
  }
  [[nodiscard]] bool expected() const noexcept { return expected_; }

 private:
  time_point lost_{};  // the last, until the next task is submitted
  bool expected_ = false;
};

}  // namespace workit::workers
