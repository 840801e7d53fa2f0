// deadline_at: a task function that has to be done by an instant.
#pragma once

#include <workit/compose/options.hpp>
#include <workit/scope/detail/in_scope.hpp>

namespace workit {

namespace detail {
void run_deadline(context& ctx, const compose_options& options, deadline_point at, scope_body body,
                  std::string name = "deadline_at");
}

/// A task function that runs `function` in a scope with that deadline. The instant stays what it is, however late the
/// function is invoked: past it, the body does not begin.
///
/// Blocks: the fiber, until the body has ended. Cancel: is a cancel point before the body begins.
/// Errors: the body's; timed_out when the deadline ended it.
template <class F>
[[nodiscard("a task function does nothing until it is called")]] auto deadline_at(deadline_point at,
                                                                                  compose_options options, F function) {
  detail::require_task_function<F>();
  detail::check_options("deadline_at", options);
  return [at, options, function = std::move(function)](context& ctx) mutable -> detail::task_result<F> {
    return detail::in_scope_of([&](detail::scope_body body) { detail::run_deadline(ctx, options, at, body); },
                               function);
  };
}
template <class F>
[[nodiscard("a task function does nothing until it is called")]] auto deadline_at(deadline_point at, F function) {
  return deadline_at(at, compose_options{}, std::move(function));
}

}  // namespace workit
