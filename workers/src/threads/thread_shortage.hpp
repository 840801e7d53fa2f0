// A pool that cannot have all of its threads: since when, why, and when it tries again.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <workit/base/timer_fd.hpp>
#include <workit/workers/detail/restart_pause.hpp>

namespace workit::workers {

/// External synchronisation: the pool's mutex, except for take_fired() and the descriptor.
class thread_shortage {
 public:
  /// Errors: std::system_error when descriptors have run out.
  void open() { timer_ = timer_fd::make(); }
  /// No further attempts: the pool ends. Requires: the descriptor is not watched.
  void close() noexcept { timer_.reset(); }
  [[nodiscard]] int descriptor() const noexcept { return timer_.get(); }

  /// A thread could not be had. The next attempt follows after a pause, which grows with each round of attempts.
  void failed(std::string why, time_point now) {
    why_ = std::move(why);
    if (!since_) since_ = now;
    if (std::exchange(waits_, true) || timer_.get() < 0) return;
    timer_.fire_after(restart_pause(rounds_));
    ++rounds_;
  }
  /// The pause is over: what fails from now on is another round.
  void take_fired() noexcept { static_cast<void>(timer_.take_fired()); }
  void next_round() noexcept { waits_ = false; }
  /// There is a thread again.
  void worked() noexcept {
    since_.reset();
    rounds_ = 0;
    why_.clear();
  }

  [[nodiscard]] bool exists() const noexcept { return since_.has_value(); }
  /// Whether waiting tasks are answered, if there is no thread at all.
  [[nodiscard]] bool is_long(time_point now) const noexcept { return since_ && now - *since_ >= most_tolerated; }
  [[nodiscard]] const std::string& why() const noexcept { return why_; }

 private:
  static constexpr std::chrono::seconds most_tolerated{1};

  timer_fd timer_;
  std::optional<time_point> since_;
  std::string why_;
  unsigned rounds_ = 0;
  bool waits_ = false;
};

}  // namespace workit::workers
