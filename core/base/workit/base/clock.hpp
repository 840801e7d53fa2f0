// clock_source: monotonic time, from the machine or from a test.
#pragma once

#include <time.h>

#include <atomic>
#include <chrono>

namespace workit {

/// All instants and durations are monotonic nanoseconds; the wall clock decides nothing.
using time_point = std::chrono::steady_clock::time_point;
using duration = std::chrono::steady_clock::duration;

/// Where a runtime reads the time. Threads: any. Lifetime: outlives the runtimes that use it.
class clock_source {
 public:
  virtual ~clock_source() = default;

  /// The current instant; never goes back. Blocks: no.
  [[nodiscard]] virtual time_point now() const noexcept = 0;

  /// An instant that is not after now(), and behind it by a tick of the kernel (1 to 10 ms) at most; costs a fraction.
  /// Blocks: no.
  [[nodiscard]] virtual time_point now_roughly() const noexcept { return now(); }

  /// Whether time moves only when told. A loop on such a clock jumps to the next timer as soon as all is parked.
  [[nodiscard]] virtual bool is_manual() const noexcept { return false; }
  /// Moves a manual clock forward to `at`; an earlier instant changes nothing. Steady clocks ignore it.
  virtual void advance_to(time_point) noexcept {}
};

/// The machine's CLOCK_MONOTONIC.
class steady_clock_source final : public clock_source {
 public:
  [[nodiscard]] time_point now() const noexcept override { return std::chrono::steady_clock::now(); }
  /// CLOCK_MONOTONIC_COARSE: clock_gettime(2).
  [[nodiscard]] time_point now_roughly() const noexcept override {
    timespec at{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &at);
    return time_point{std::chrono::seconds(at.tv_sec) + std::chrono::nanoseconds(at.tv_nsec)};
  }
  /// The one instance. Never destroyed: loops may read it while exit() destroys what is static.
  static steady_clock_source& instance() noexcept {
    static auto& source = *new steady_clock_source;
    return source;
  }
};

/// A clock for tests. It stands still until all fibers of its (single) loop are parked and no I/O or offload is under
/// way, then jumps to the next timer: an hour of sleeping passes in microseconds, in the order it would have.
class manual_clock final : public clock_source {
 public:
  [[nodiscard]] time_point now() const noexcept override {
    return time_point{duration{now_.load(std::memory_order_acquire)}};
  }
  [[nodiscard]] bool is_manual() const noexcept override { return true; }
  void advance_to(time_point at) noexcept override {
    auto to = at.time_since_epoch().count();
    auto seen = now_.load(std::memory_order_relaxed);
    while (seen < to && !now_.compare_exchange_weak(seen, to, std::memory_order_acq_rel)) {
    }
  }

 private:
  std::atomic<duration::rep> now_{std::chrono::duration_cast<duration>(std::chrono::hours(1)).count()};
};

}  // namespace workit
