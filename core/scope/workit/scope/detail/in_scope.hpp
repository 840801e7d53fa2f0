// in_scope: a task function in a scope of its own, on the calling fiber.
#pragma once

#include <workit/scope/detail/slot.hpp>

namespace workit::detail {

/// Cancel: is a cancel point before the function begins. Errors: as context::scope.
template <class F>
task_result<F> in_scope(context& ctx, scope_options options, F& function) {
  return ctx.scope(std::move(options), [&function](workit::scope& s) -> task_result<F> {
    s.check();
    return call_task(function, s);
  });
}

/// As context::scope, with what a compiled function makes of the scope: `open(body)` calls run_scope.
template <class F, class Open>
task_result<F> in_scope_of(Open&& open, F& function) {
  using T = task_result<F>;
  slot<T> value;
  auto keep = [&](workit::scope& s) { call_into<T>(value, function, s); };
  open(scope_body(keep));
  return restore<T>(std::move(*value));
}

/// Whether the error says that the task or scope was cancelled: then no retry or fallback repeats or replaces it.
[[nodiscard]] bool is_cancellation(const std::exception_ptr& error) noexcept;

}  // namespace workit::detail
