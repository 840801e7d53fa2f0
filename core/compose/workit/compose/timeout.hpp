// timeout: a task function with a time limit.
#pragma once

#include <workit/scope/detail/in_scope.hpp>

namespace workit {

struct timeout_options {
  std::string name = "timeout";  ///< of the scope; what() of the error begins with it
  time_span limit{};             ///< from the invocation on; zero or less: it is over before the function begins
  /// How long past the limit the body may take to end before it is reported, as in compose_options.
  time_span grace = std::chrono::seconds(1);
};

namespace detail {
void check_options(const timeout_options& options);
void run_timeout(context& ctx, const timeout_options& options, scope_body body);
}  // namespace detail

/// A task function that runs `function` in a scope that is cancelled with reason::timeout when the limit has passed.
/// A body that comes to its end all the same is believed: its value is delivered. So work() under on_error::partial
/// gives what it has.
///
/// Blocks: the fiber, until the body has ended. Cancel: is a cancel point before the body begins.
/// Errors: the body's; timed_out, an error like any other, when the limit ended it.
template <class F>
[[nodiscard("a task function does nothing until it is called")]] auto timeout(timeout_options options, F function) {
  detail::require_task_function<F>();
  detail::check_options(options);
  return
      [options = std::move(options), function = std::move(function)](context& ctx) mutable -> detail::task_result<F> {
        return detail::in_scope_of([&](detail::scope_body body) { detail::run_timeout(ctx, options, body); }, function);
      };
}
template <class F>
[[nodiscard("a task function does nothing until it is called")]] auto timeout(time_span limit, F function) {
  return timeout(timeout_options{.limit = limit}, std::move(function));
}
// For their sentence:
template <class F>
void timeout(F, time_span) {
  detail::refuse_order<F>();
}
template <class F>
void timeout(F, timeout_options) {
  detail::refuse_order<F>();
}

}  // namespace workit
