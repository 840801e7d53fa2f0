// The time without a serving zygote: when the next one is tried, and when waiting tasks are answered.
#pragma once

#include <workit/base/clock.hpp>

namespace workit::workers {

/// External synchronisation: the pool's mutex.
class zygote_outage {
 public:
  struct next_attempt {
    duration pause{};       ///< zero: at once
    bool too_long = false;  ///< waiting tasks are to be answered; attempts go on
    bool is_due = true;     ///< false only in a test without this mechanism
  };

  /// A zygote died, hung, or could not be started, at `now`. The first in a row is replaced at once, the second after
  /// 10 ms, doubled up to a second.
  [[nodiscard]] next_attempt failed(time_point now) noexcept;
  /// A task has ended: what fails from now on is the first in a row.
  void task_ended() noexcept { in_a_row_ = 0; }
  /// There is a worker again.
  void over() noexcept { since_ = {}; }

 private:
  unsigned in_a_row_ = 0;
  time_point since_{};  // the failure after which there was no worker yet
};

}  // namespace workit::workers
