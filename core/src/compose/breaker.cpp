// circuit_breaker: its states and epochs.
//
// Invariants
// 1. Each change of state begins an epoch. What becomes of a call counts only in the epoch in which it was admitted.
// 2. In the half-open state, at most half_open_calls of the epoch are under way.
// Lock order: circuit::mutex_ is a leaf; nothing is called under it.
#include <mutex>
#include <workit/base/assert.hpp>
#include <workit/compose/circuit_breaker.hpp>

#include "scope/check_name.hpp"

namespace workit {
namespace detail {

class circuit {
 public:
  explicit circuit(circuit_breaker_options options) : options_(std::move(options)) {}

  /// The epoch of the call. Errors: circuit_open.
  std::uint64_t admit(time_point now) {
    const std::lock_guard lock(mutex_);
    if (state_ == circuit_state::open && now < reopens_) throw circuit_open(options_.name, reopens_ - now);
    if (state_ == circuit_state::open) enter(circuit_state::half_open);
    if (state_ == circuit_state::half_open) {
      if (trials_ == options_.half_open_calls) throw circuit_open(options_.name, duration::zero());
      ++trials_;
    }
    return epoch_;
  }

  void succeeded(std::uint64_t admitted) {
    const std::lock_guard lock(mutex_);
    if (admitted != epoch_) return;
    if (state_ == circuit_state::half_open)
      enter(circuit_state::closed);
    else
      failures_ = 0;
  }

  void failed(std::uint64_t admitted, time_point now) {
    const std::lock_guard lock(mutex_);
    if (admitted != epoch_) return;
    if (state_ == circuit_state::closed && ++failures_ < options_.failure_threshold) return;
    reopens_ = deadline::in(options_.reset_after, now).at();
    enter(circuit_state::open);
  }

  void withdrawn(std::uint64_t admitted) {
    const std::lock_guard lock(mutex_);
    if (admitted == epoch_ && state_ == circuit_state::half_open) --trials_;
  }

  circuit_state at(time_point now) const {
    const std::lock_guard lock(mutex_);
    return state_ == circuit_state::open && now >= reopens_ ? circuit_state::half_open : state_;
  }

 private:
  void enter(circuit_state next) {
    state_ = next;
    ++epoch_;
    failures_ = 0;
    trials_ = 0;
  }

  const circuit_breaker_options options_;
  mutable std::mutex mutex_;
  circuit_state state_ = circuit_state::closed;
  std::uint64_t epoch_ = 0;
  std::size_t failures_ = 0;  // consecutive, while closed
  std::size_t trials_ = 0;    // under way, while half open
  time_point reopens_{};      // when trial calls may pass, while open
};

circuit_call::circuit_call(std::shared_ptr<circuit> c, context& ctx)
    : circuit_(std::move(c)), ctx_(ctx), epoch_(circuit_->admit(ctx.now())) {}

circuit_call::~circuit_call() {
  if (!answered_) circuit_->withdrawn(epoch_);
}

void circuit_call::succeeded() {
  answered_ = true;
  circuit_->succeeded(epoch_);
}

void circuit_call::failed() {
  answered_ = true;
  circuit_->failed(epoch_, ctx_.now());
}

}  // namespace detail

std::string_view to_string(circuit_state s) noexcept {
  switch (s) {
    case circuit_state::closed:
      return "closed";
    case circuit_state::open:
      return "open";
    case circuit_state::half_open:
      return "half_open";
  }
  return "?";
}

circuit_breaker::circuit_breaker(circuit_breaker_options options) {
  detail::check_name("a circuit breaker's", options.name);
  WORKIT_ASSERT(options.failure_threshold > 0,
                "circuit_breaker \"" + options.name + "\": failure_threshold is 0; it may be 1 or more");
  WORKIT_ASSERT(options.reset_after > duration::zero(),
                "circuit_breaker \"" + options.name + "\": reset_after has to be more than zero");
  WORKIT_ASSERT(options.half_open_calls > 0, "circuit_breaker \"" + options.name +
                                                 "\": half_open_calls is 0, so that it could never close again; "
                                                 "it may be 1 or more");
  circuit_ = std::make_shared<detail::circuit>(std::move(options));
}

circuit_state circuit_breaker::state(time_point now) const { return circuit_->at(now); }

}  // namespace workit
