// all_settled: runs task functions at once and returns how each ended.
#pragma once

#include <workit/base/outcome.hpp>
#include <workit/compose/detail/branches.hpp>

namespace workit {

namespace detail {

template <class T>
outcome<T> outcome_of(slot<T>& value, branch_end& end) {
  if (end.how == task_status::succeeded) return outcome<T>::of_value(std::move(*value));
  if (end.how == task_status::cancelled) return outcome<T>::of_cancellation(std::move(*end.why));
  return outcome<T>::of_error(std::move(end.error));
}

}  // namespace detail

/// A task function that runs all the given ones at once and returns a tuple of their outcomes in the order given. A
/// failure, a time-out too, is an outcome and disturbs no other.
///
/// Blocks: the fiber, until all have ended. Cancel: is a cancel point; cancels and joins them first.
/// Errors: none of its own.
template <class... F>
  requires(sizeof...(F) > 0 && (detail::task_function<F> && ...))
[[nodiscard("a task function does nothing until it is called")]] auto all_settled(compose_options options,
                                                                                  F... functions) {
  detail::check_options("all_settled", options);
  return [options, functions = std::tuple<F...>(std::move(functions)...)](context& ctx) mutable {
    std::tuple<detail::slot<detail::task_result<F>>...> values;
    auto ends = detail::run_all_settled(ctx, options, detail::bind_each(functions, values));
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return std::tuple<outcome<detail::task_result<F>>...>(
          detail::outcome_of<detail::task_result<F>>(std::get<I>(values), ends[I])...);
    }
    (std::index_sequence_for<F...>{});
  };
}
template <class... F>
  requires(sizeof...(F) > 0 && (detail::task_function<F> && ...))
[[nodiscard("a task function does nothing until it is called")]] auto all_settled(F... functions) {
  return all_settled(compose_options{}, std::move(functions)...);
}

/// The same for any number of one type: returns a vector, empty for none.
template <detail::task_function F>
[[nodiscard("a task function does nothing until it is called")]] auto all_settled(compose_options options,
                                                                                  std::vector<F> functions) {
  detail::check_options("all_settled", options);
  return [options, functions = std::move(functions)](context& ctx) mutable {
    using T = detail::task_result<F>;
    std::vector<detail::slot<T>> values;
    auto ends = detail::run_all_settled(ctx, options, detail::bind_each<T>(functions, values));
    std::vector<outcome<T>> outcomes;
    outcomes.reserve(ends.size());
    for (std::size_t i = 0; i < ends.size(); ++i) outcomes.push_back(detail::outcome_of<T>(values[i], ends[i]));
    return outcomes;
  };
}
template <detail::task_function F>
[[nodiscard("a task function does nothing until it is called")]] auto all_settled(std::vector<F> functions) {
  return all_settled(compose_options{}, std::move(functions));
}

}  // namespace workit
