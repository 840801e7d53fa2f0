// fallback: a second task function for when the first one fails.
#pragma once

#include <workit/scope/detail/in_scope.hpp>

namespace workit {

/// A task function that runs `first` and, if that fails (a time-out is a failure), `second`; each in a scope of its
/// own. Returns the type that both convert to.
///
/// Blocks: the fiber. Cancel: is a cancel point before each. Errors: those of `second`; of `first`, that it was
/// cancelled (scope_cancelled, task_cancelled): a cancellation is no failure.
template <detail::task_function First, detail::task_function Second>
[[nodiscard("a task function does nothing until it is called")]] auto fallback(First first, Second second) {
  using T = detail::one_of<detail::task_result<First>, detail::task_result<Second>>;
  return [first = std::move(first), second = std::move(second)](context& ctx) mutable -> T {
    try {
      return detail::in_scope(ctx, {.name = "fallback.first"}, first);
    } catch (const cancelled&) {
      throw;
    } catch (...) {
      if (detail::is_cancellation(std::current_exception())) throw;
    }
    return detail::in_scope(ctx, {.name = "fallback.second"}, second);
  };
}

}  // namespace workit
