// background: work that a scope owns, but whose failure does not fail it.
#pragma once

#include <workit/scope/scope.hpp>

namespace workit {

namespace detail {
/// The innermost scope that the context is in: that itself, or the one that owns the task.
scope_node& enclosing_scope(context& ctx);
}  // namespace detail

/// Starts a task in the innermost scope around `ctx` and returns its handle. The scope waits for it and takes it along
/// when it is cancelled; the task's failure or time-out is its own affair. From within a scope's body this is
/// scope::spawn with task_options::background.
/// Blocks: no. Cancel: in a scope that is stopping it is born cancelled. Errors: as scope::spawn.
template <detail::task_function F>
auto background(context& ctx, task_options options, F body) -> task<detail::task_result<F>> {
  options.background = true;
  return scope_context(detail::enclosing_scope(ctx)).spawn(std::move(options), std::move(body));
}
template <detail::task_function F>
auto background(context& ctx, F body) {
  return background(ctx, task_options{.name = "background"}, std::move(body));
}

}  // namespace workit
