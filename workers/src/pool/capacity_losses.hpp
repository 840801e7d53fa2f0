// When workers were lost that have no successor yet: how long a pool takes to have its capacity back.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <workit/base/clock.hpp>

namespace workit::workers {

/// First lost, first restored. External synchronisation: the pool's mutex.
class capacity_losses {
 public:
  void lost(time_point now) { open_.push_back(now); }
  /// A worker is ready at `now`: how long the loss has lasted for which it came; nothing when it came for none.
  std::optional<duration> restored(time_point now) {
    if (open_.empty()) return std::nullopt;
    const auto lasted = now - open_.front();
    open_.pop_front();
    return lasted;
  }
  /// No more than `awaited` workers will come: the oldest losses beyond that are of no interest.
  void keep_newest(std::size_t awaited) {
    while (open_.size() > awaited) open_.pop_front();
  }
  void clear() noexcept { open_.clear(); }

 private:
  std::deque<time_point> open_;
};

}  // namespace workit::workers
