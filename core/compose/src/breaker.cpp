// circuit_breaker: calls that are let through, and what becomes of them.
#include "circuit.hpp"

#include <workit/base/detail/check_option.hpp>
#include <workit/base/detail/names.hpp>

namespace workit {
namespace detail {

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
  WORKIT_CHECK_OPTION(options.failure_threshold > 0,
                      "circuit_breaker \"" + options.name + "\": failure_threshold is 0; it may be 1 or more");
  WORKIT_CHECK_OPTION(options.reset_after > duration::zero(),
                      "circuit_breaker \"" + options.name + "\": reset_after has to be more than zero");
  WORKIT_CHECK_OPTION(options.half_open_calls > 0, "circuit_breaker \"" + options.name +
                                                       "\": half_open_calls is 0, so that it could never close again; "
                                                       "it may be 1 or more");
  circuit_ = std::make_shared<detail::circuit>(std::move(options));
}

circuit_state circuit_breaker::state(time_point now) const { return circuit_->at(now); }

}  // namespace workit
