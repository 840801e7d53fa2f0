// series: runs task functions one after the other.
#pragma once

#include <workit/scope/detail/in_scope.hpp>

namespace workit {

/// A task function that runs the given ones one after the other, each in a scope of its own, and returns their values
/// in that order: a tuple, in which nothing is std::monostate; void if none returns anything.
///
/// Blocks: the fiber, until the last has ended. Cancel: is a cancel point before each.
/// Errors: the first failure; what comes after it does not start.
template <class... F>
  requires(sizeof...(F) > 0 && (detail::task_function<F> && ...))
[[nodiscard("a task function does nothing until it is called")]] auto series(F... functions) {
  return [functions = std::tuple<F...>(std::move(functions)...)](context& ctx) mutable {
    std::tuple<detail::slot<detail::task_result<F>>...> values;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      const auto step = [&ctx](auto& to, auto& function) {
        auto keep = [&](context& inner) {
          detail::call_into<detail::task_result<std::remove_reference_t<decltype(function)>>>(to, function, inner);
        };
        detail::in_scope(ctx, {.name = "series"}, keep);
      };
      (step(std::get<I>(values), std::get<I>(functions)), ...);
    }
    (std::index_sequence_for<F...>{});
    return detail::take_all<detail::task_result<F>...>(values);
  };
}

/// The same for any number of one type: returns a vector (of std::reference_wrapper for references), empty for none.
template <detail::task_function F>
[[nodiscard("a task function does nothing until it is called")]] auto series(std::vector<F> functions) {
  return [functions = std::move(functions)](context& ctx) mutable {
    using T = detail::task_result<F>;
    std::vector<detail::slot<T>> values(functions.size());
    for (std::size_t i = 0; i < functions.size(); ++i) {
      auto keep = [&](context& inner) { detail::call_into<T>(values[i], functions[i], inner); };
      detail::in_scope(ctx, {.name = "series"}, keep);
    }
    return detail::take_all<T>(values);
  };
}

}  // namespace workit
