// alarm: the interface to the keeper of deadlines, which also stops work behind a worker boundary.
#pragma once

#include <memory>
#include <workit/base/clock.hpp>

namespace workit {

class cancel_cell;

/// Core brings one per loop (it fires only while the loop turns); the warden of the preempt layer is the other: its
/// own thread, so that deadlines hold while every loop is busy.
class alarm {
 public:
  virtual ~alarm() = default;

  /// Cancels `cell` with reason::deadline once the clock reaches `at`. Arming an armed cell moves it.
  /// Blocks: no. Threads: any for the warden; the home loop only for a loop's own alarm.
  virtual void arm(const std::shared_ptr<cancel_cell>& cell, time_point at) = 0;

  /// Forgets the cell; one that is not armed is fine. Threads: as arm().
  virtual void disarm(cancel_cell& cell) noexcept = 0;

  /// `cell` has just been cancelled: stops what runs behind a boundary below it, before returning.
  /// Blocks: for the kill and its proof, tens of microseconds, only when there is something to stop.
  /// Threads: any, the canceller's. Runs no user code.
  virtual void cancelled(const cancel_cell& cell) noexcept = 0;
};

}  // namespace workit
