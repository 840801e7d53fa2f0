// uncancellable: a task function that a cancellation from outside does not stop.
#pragma once

#include <workit/scope/detail/in_scope.hpp>

namespace workit {

namespace detail {
void run_uncancellable(context& ctx, time_span limit, scope_body body);
}  // namespace detail

/// A task function that runs `function` in a shielded scope: neither it nor anything that it starts sees what is
/// decided above. The shield has a time limit of its own, because nothing else bounds it; without any time
/// it is over before the function begins.
///
/// Blocks: the fiber, until the body has ended. Cancel: is none; a cancellation that came meanwhile, or before, shows
/// at the next cancel point after it. Errors: the body's; timed_out when the limit ended it.
template <class F>
[[nodiscard("a task function does nothing until it is called")]] auto uncancellable(time_span limit, F function) {
  detail::require_task_function<F>();
  return [limit, function = std::move(function)](context& ctx) mutable -> detail::task_result<F> {
    return detail::in_scope_of([&](detail::scope_body body) { detail::run_uncancellable(ctx, limit, body); }, function);
  };
}

}  // namespace workit
