// branches: the type-erased core of the composables that run several functions at once.
#pragma once

#include <workit/compose/options.hpp>
#include <workit/scope/detail/slot.hpp>

namespace workit::detail {

/// Calls one function and leaves its value in a slot on the composable's frame.
using branch_body = std::function<void(context&)>;
using branch_bodies = std::vector<branch_body>;

/// How a branch ended.
struct branch_end {
  task_status how = task_status::pending;
  std::exception_ptr error{};
  std::optional<cancel_reason> why{};
};

/// Asserts that there are branches; `what` is the composable, for the sentence.
void check_any(std::string_view what, std::size_t branches);

// Each runs the bodies as tasks of one scope below `ctx`, joins them, and throws what its composable says.
// Blocks: the fiber. Cancel: is a cancel point; cancels the branches and joins them first.

/// At most `limit` at a time, in order.
void run_all(context& ctx, std::string_view what, const compose_options& options, std::size_t limit,
             branch_bodies bodies);
std::vector<branch_end> run_all_settled(context& ctx, const compose_options& options, branch_bodies bodies);
/// Return the index of the branch whose value counts.
std::size_t run_race(context& ctx, const compose_options& options, branch_bodies bodies);
std::size_t run_any(context& ctx, const compose_options& options, branch_bodies bodies);

template <class R, class F>
branch_body bind_one(F& function, slot<R>& to) {
  return [&function, &to](context& ctx) { call_into<R>(to, function, ctx); };
}

/// Binds functions to slots of their own, or to slots of one type R.
template <class... F, class... S>
branch_bodies bind_each(std::tuple<F...>& functions, std::tuple<S...>& slots) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return branch_bodies{bind_one<task_result<F>>(std::get<I>(functions), std::get<I>(slots))...};
  }
  (std::index_sequence_for<F...>{});
}
template <class R, class... F>
branch_bodies bind_each(std::tuple<F...>& functions, std::vector<slot<R>>& slots) {
  slots = std::vector<slot<R>>(sizeof...(F));
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return branch_bodies{bind_one<R>(std::get<I>(functions), slots[I])...};
  }
  (std::index_sequence_for<F...>{});
}
template <class R, class F>
branch_bodies bind_each(std::vector<F>& functions, std::vector<slot<R>>& slots) {
  slots = std::vector<slot<R>>(functions.size());
  branch_bodies bodies;
  bodies.reserve(functions.size());
  for (std::size_t i = 0; i < functions.size(); ++i) bodies.push_back(bind_one<R>(functions[i], slots[i]));
  return bodies;
}

}  // namespace workit::detail
