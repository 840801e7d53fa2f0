// circuit: the states and epochs of a circuit breaker.
//
// Invariants
// 1. Each change of state begins an epoch. What becomes of a call counts only in the epoch in which it was admitted.
// 2. In the half-open state, at most half_open_calls of the epoch are under way.
// Lock order: circuit::mutex_ is a leaf; nothing is called under it.
#pragma once

#include <optional>
#include <workit/base/thread_mutex.hpp>
#include <workit/compose/circuit_breaker.hpp>

namespace workit::detail {

/// Threads: any.
class circuit {
 public:
  explicit circuit(circuit_breaker_options options) : options_(std::move(options)) {}

  /// An admitted call has an epoch, one that is not how long until trial calls are let through.
  struct admission {
    std::optional<std::uint64_t> epoch{};
    duration retry_after{};
  };
  [[nodiscard]] admission try_admit(time_point now) {
    const thread_lock lock(mutex_);
    if (state_ == circuit_state::open && now < reopens_) return {{}, reopens_ - now};
    if (state_ == circuit_state::open) enter(circuit_state::half_open);
    if (state_ == circuit_state::half_open) {
      if (trials_ == options_.half_open_calls) return {};
      ++trials_;
    }
    return {epoch_, {}};
  }
  /// The epoch of the call. Errors: circuit_open.
  std::uint64_t admit(time_point now) {
    const auto admitted = try_admit(now);
    if (!admitted.epoch) throw circuit_open(options_.name, admitted.retry_after);
    return *admitted.epoch;
  }

  void succeeded(std::uint64_t admitted) {
    const thread_lock lock(mutex_);
    if (admitted != epoch_) return;
    if (state_ == circuit_state::half_open)
      enter(circuit_state::closed);
    else
      failures_ = 0;
  }

  void failed(std::uint64_t admitted, time_point now) {
    const thread_lock lock(mutex_);
    if (admitted != epoch_) return;
    if (state_ == circuit_state::closed && ++failures_ < options_.failure_threshold) return;
    reopens_ = deadline_point::in(options_.reset_after, now).at();
    enter(circuit_state::open);
  }

  void withdrawn(std::uint64_t admitted) {
    const thread_lock lock(mutex_);
    if (admitted == epoch_ && state_ == circuit_state::half_open) --trials_;
  }

  circuit_state at(time_point now) const {
    const thread_lock lock(mutex_);
    return state_ == circuit_state::open && now >= reopens_ ? circuit_state::half_open : state_;
  }

 private:
  void enter(circuit_state next) WORKIT_REQUIRES(mutex_) {
    state_ = next;
    ++epoch_;
    failures_ = 0;
    trials_ = 0;
  }

  const circuit_breaker_options options_;
  mutable thread_mutex mutex_;
  circuit_state state_ WORKIT_GUARDED_BY(mutex_) = circuit_state::closed;
  std::uint64_t epoch_ WORKIT_GUARDED_BY(mutex_) = 0;
  std::size_t failures_ WORKIT_GUARDED_BY(mutex_) = 0;  // consecutive, while closed
  std::size_t trials_ WORKIT_GUARDED_BY(mutex_) = 0;    // under way, while half open
  time_point reopens_ WORKIT_GUARDED_BY(mutex_){};      // when trial calls may pass, while open
};

}  // namespace workit::detail
