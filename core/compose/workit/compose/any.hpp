// any: runs task functions at once; the first to succeed decides.
#pragma once

#include <workit/compose/detail/branches.hpp>

namespace workit {

/// A task function that runs all the given ones at once and returns the value of the first that succeeds, converted to
/// the type that they have in common.
///
/// Blocks: the fiber, until the losers have ended, too: they are cancelled with reason::race_lost{winner}.
/// Cancel: is a cancel point, also when all have failed; cancels and joins all first.
/// Errors: aggregate_error when all have failed.
template <class... F>
  requires(sizeof...(F) > 0 && (detail::task_function<F> && ...))
[[nodiscard("a task function does nothing until it is called")]] auto any(compose_options options, F... functions) {
  using T = detail::one_of<detail::task_result<F>...>;
  detail::check_options("any", options);
  return [options, functions = std::tuple<F...>(std::move(functions)...)](context& ctx) mutable -> T {
    std::vector<detail::slot<T>> values;
    const auto winner = detail::run_any(ctx, options, detail::bind_each<T>(functions, values));
    return detail::restore<T>(std::move(*values[winner]));
  };
}
template <class... F>
  requires(sizeof...(F) > 0 && (detail::task_function<F> && ...))
[[nodiscard("a task function does nothing until it is called")]] auto any(F... functions) {
  return any(compose_options{}, std::move(functions)...);
}

/// The same for any number of one type, at least one.
template <detail::task_function F>
[[nodiscard("a task function does nothing until it is called")]] auto any(compose_options options,
                                                                          std::vector<F> functions) {
  using T = detail::task_result<F>;
  detail::check_options("any", options);
  detail::check_any("any", functions.size());
  return [options, functions = std::move(functions)](context& ctx) mutable -> T {
    std::vector<detail::slot<T>> values;
    const auto winner = detail::run_any(ctx, options, detail::bind_each<T>(functions, values));
    return detail::restore<T>(std::move(*values[winner]));
  };
}
template <detail::task_function F>
[[nodiscard("a task function does nothing until it is called")]] auto any(std::vector<F> functions) {
  return any(compose_options{}, std::move(functions));
}

}  // namespace workit
