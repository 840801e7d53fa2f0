// all: runs task functions at once and returns all their values.
#pragma once

#include <limits>
#include <workit/compose/detail/branches.hpp>

namespace workit {

/// A task function that runs all the given ones at once and returns their values in the order given: a tuple, in which
/// nothing is std::monostate; void if none returns anything.
///
/// Blocks: the fiber, until all have ended and cleaned up. Cancel: is a cancel point; cancels and joins them first.
/// Errors: the first failure, the very object; it cancels the others with reason::sibling_failed, and is thrown after
/// they have ended.
template <class... F>
  requires(sizeof...(F) > 0 && (detail::task_function<F> && ...))
[[nodiscard("a task function does nothing until it is called")]] auto all(compose_options options, F... functions) {
  detail::check_options("all", options);
  return [options, functions = std::tuple<F...>(std::move(functions)...)](context& ctx) mutable {
    std::tuple<detail::slot<detail::task_result<F>>...> values;
    detail::run_all(ctx, "all", options, sizeof...(F), detail::bind_each(functions, values));
    return detail::take_all<detail::task_result<F>...>(values);
  };
}
template <class... F>
  requires(sizeof...(F) > 0 && (detail::task_function<F> && ...))
[[nodiscard("a task function does nothing until it is called")]] auto all(F... functions) {
  return all(compose_options{}, std::move(functions)...);
}

/// The same for any number of one type: returns a vector (of std::reference_wrapper for references), empty for none.
template <detail::task_function F>
[[nodiscard("a task function does nothing until it is called")]] auto all(compose_options options,
                                                                          std::vector<F> functions) {
  detail::check_options("all", options);
  return [options, functions = std::move(functions)](context& ctx) mutable {
    std::vector<detail::slot<detail::task_result<F>>> values;
    detail::run_all(ctx, "all", options, std::numeric_limits<std::size_t>::max(),
                    detail::bind_each<detail::task_result<F>>(functions, values));
    return detail::take_all<detail::task_result<F>>(values);
  };
}
template <detail::task_function F>
[[nodiscard("a task function does nothing until it is called")]] auto all(std::vector<F> functions) {
  return all(compose_options{}, std::move(functions));
}

}  // namespace workit
