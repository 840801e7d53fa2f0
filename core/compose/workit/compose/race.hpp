// race: runs task functions at once; the first to end decides.
#pragma once

#include <workit/compose/detail/branches.hpp>

namespace workit {

/// A task function that runs all the given ones at once and returns the value of the one that ends first, converted to
/// the type that they have in common. If that one fails, the race fails.
///
/// Blocks: the fiber, until the losers have ended, too: they are cancelled with reason::race_lost{winner}.
/// Cancel: is a cancel point; cancels and joins all first. Errors: what the first to end threw.
template <class... F>
  requires(sizeof...(F) > 0 && (detail::task_function<F> && ...))
[[nodiscard("a task function does nothing until it is called")]] auto race(compose_options options, F... functions) {
  using T = detail::one_of<detail::task_result<F>...>;
  detail::check_options("race", options);
  return [options, functions = std::tuple<F...>(std::move(functions)...)](context& ctx) mutable -> T {
    std::vector<detail::slot<T>> values;
    const auto winner = detail::run_race(ctx, options, detail::bind_each<T>(functions, values));
    return detail::restore<T>(std::move(*values[winner]));
  };
}
template <class... F>
  requires(sizeof...(F) > 0 && (detail::task_function<F> && ...))
[[nodiscard("a task function does nothing until it is called")]] auto race(F... functions) {
  return race(compose_options{}, std::move(functions)...);
}

/// The same for any number of one type, at least one.
template <detail::task_function F>
[[nodiscard("a task function does nothing until it is called")]] auto race(compose_options options,
                                                                           std::vector<F> functions) {
  using T = detail::task_result<F>;
  detail::check_options("race", options);
  detail::check_any("race", functions.size());
  return [options, functions = std::move(functions)](context& ctx) mutable -> T {
    std::vector<detail::slot<T>> values;
    const auto winner = detail::run_race(ctx, options, detail::bind_each<T>(functions, values));
    return detail::restore<T>(std::move(*values[winner]));
  };
}
template <detail::task_function F>
[[nodiscard("a task function does nothing until it is called")]] auto race(std::vector<F> functions) {
  return race(compose_options{}, std::move(functions));
}

}  // namespace workit
