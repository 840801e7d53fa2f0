// supervise: a task function that is restarted when it fails, unless it fails too often.
#pragma once

#include <workit/compose/backoff.hpp>
#include <workit/scope/detail/in_scope.hpp>

namespace workit {

struct supervise_options {
  std::string name = "supervise";  ///< of the scope of each run
  std::size_t max_restarts = 3;    ///< within any `window`; 1 to 1,000
  /// Sliding: a restart counts until it is this old, so that a rare failure is never the last one.
  time_span window = std::chrono::seconds(60);
  workit::backoff backoff = backoff::fixed;                  ///< grows with the restarts within the window
  time_span initial_delay = std::chrono::milliseconds(100);  ///< before a restart; no jitter
  time_span max_delay = std::chrono::seconds(30);
  /// Which errors are worth a restart; by default all. It is not asked about cancellations: they never are.
  std::function<bool(const std::exception_ptr&)> restart_on{};
};

namespace detail {
void check_options(const supervise_options& options);
void run_supervised(context& ctx, const supervise_options& options, const std::function<void(context&)>& run);
}  // namespace detail

/// A task function that runs `function` until it returns, each time in a scope of its own. Each restart is told as
/// event::task_retrying.
///
/// Blocks: the fiber. Cancel: is a cancel point, in the delays too. Errors: the failure that is not worth a restart, or
/// that comes when there were max_restarts within the window.
template <class F>
[[nodiscard("a task function does nothing until it is called")]] auto supervise(supervise_options options, F function) {
  detail::require_task_function<F>();
  detail::check_options(options);
  return
      [options = std::move(options), function = std::move(function)](context& ctx) mutable -> detail::task_result<F> {
        detail::slot<detail::task_result<F>> value;
        auto keep = [&](context& inner) { detail::call_into<detail::task_result<F>>(value, function, inner); };
        detail::run_supervised(ctx, options,
                               [&](context& inner) { detail::in_scope(inner, {.name = options.name}, keep); });
        return detail::restore<detail::task_result<F>>(std::move(*value));
      };
}
template <class F>
[[nodiscard("a task function does nothing until it is called")]] auto supervise(F function) {
  return supervise(supervise_options{}, std::move(function));
}

}  // namespace workit
