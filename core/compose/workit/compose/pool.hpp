// pool: runs many task functions, a few at a time.
#pragma once

#include <workit/compose/detail/branches.hpp>

namespace workit {

namespace detail {
void check_pool(std::size_t limit);
}

/// A task function that runs all the given ones, at most `limit` at a time and begun in their order, and returns their
/// values in that order. One that is still cleaning up counts. limit: 1 or more.
///
/// Blocks: the fiber, until all have ended. Cancel: is a cancel point; cancels and joins those that run first.
/// Errors: the first failure; those that run are cancelled (reason::sibling_failed), those that wait never start.
template <detail::task_function F>
[[nodiscard("a task function does nothing until it is called")]] auto pool(std::size_t limit, compose_options options,
                                                                           std::vector<F> functions) {
  detail::check_options("pool", options);
  detail::check_pool(limit);
  return [limit, options, functions = std::move(functions)](context& ctx) mutable {
    std::vector<detail::slot<detail::task_result<F>>> values;
    detail::run_all(ctx, "pool", options, limit, detail::bind_each<detail::task_result<F>>(functions, values));
    return detail::take_all<detail::task_result<F>>(values);
  };
}
template <detail::task_function F>
[[nodiscard("a task function does nothing until it is called")]] auto pool(std::size_t limit,
                                                                           std::vector<F> functions) {
  return pool(limit, compose_options{}, std::move(functions));
}

}  // namespace workit
