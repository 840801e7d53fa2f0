// retry: a task function that is tried again when it fails.
#pragma once

#include <string>
#include <workit/compose/backoff.hpp>
#include <workit/scope/detail/in_scope.hpp>

namespace workit {

struct retry_options {
  std::size_t times = 3;                           ///< attempts in all, the first included; 1 to 1,000
  workit::backoff backoff = backoff::exponential;  ///< how the delays grow
  time_span initial_delay = std::chrono::milliseconds(100);
  time_span max_delay = std::chrono::seconds(30);  ///< no delay is longer
  bool jitter = true;                              ///< each delay is multiplied by a random factor in [0.5, 1)
  std::optional<std::uint64_t> seed{};             ///< of the jitter, for delays that repeat
  /// Which errors are worth another attempt; by default all. It is not asked about cancellations: they never are.
  std::function<bool(const std::exception_ptr&)> retry_if{};
  /// Called before each attempt but the first, where the delay is over; what it throws ends the retry. For charges.
  std::function<void(context&)> before_retry{};
};

namespace detail {

void check_options(const retry_options& options);
/// Calls `attempt(ctx, n)` for n = 1, 2, ... until it does not throw.
void run_retry(context& ctx, const retry_options& options, jitter& random,
               const std::function<void(context&, std::size_t)>& attempt);
/// Opens the scope of one attempt. `ctx.attempt()` is `number` in there.
void run_attempt(context& ctx, std::size_t number, scope_body body, std::string name = "attempt");

}  // namespace detail

/// A task function that runs `function` until it succeeds, at most options.times times, each in a scope of its own, so
/// that nothing of one attempt is left when the next begins. timed_out is a failure like any other; a cancellation
/// ends it at once.
///
/// Blocks: the fiber, attempts and delays. Cancel: is a cancel point, in the delays too.
/// Errors: those of the last attempt; of before_retry; std::invalid_argument from a backoff function that is negative.
template <class F>
[[nodiscard("a task function does nothing until it is called")]] auto retry(retry_options options, F function) {
  detail::require_task_function<F>();
  detail::check_options(options);
  return [options, function = std::move(function),
          random = detail::jitter(options.seed)](context& ctx) mutable -> detail::task_result<F> {
    detail::slot<detail::task_result<F>> value;
    detail::run_retry(ctx, options, random, [&](context& inner, std::size_t number) {
      auto keep = [&](workit::scope& s) { detail::call_into<detail::task_result<F>>(value, function, s); };
      detail::run_attempt(inner, number, detail::scope_body(keep));
    });
    return detail::restore<detail::task_result<F>>(std::move(*value));
  };
}
template <class F>
[[nodiscard("a task function does nothing until it is called")]] auto retry(F function) {
  return retry(retry_options{}, std::move(function));
}
template <class F>
void retry(F, retry_options) {
  detail::refuse_order<F>();
}

}  // namespace workit
