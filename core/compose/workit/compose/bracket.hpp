// bracket: a resource that is released however its use ends.
#pragma once

#include <workit/scope/detail/in_scope.hpp>
#include <workit/scope/detail/resource_function.hpp>

namespace workit {

namespace detail {
void check_bracket(const defer_options& options);
}

/// A task function that acquires a resource, uses it, and releases it exactly once, whether `use` returns, fails or is
/// cancelled; not if `acquire` throws. `acquire` is a task function; the other two are called with the resource, or
/// with a context and the resource. `release` is a cleanup (see context::defer): it runs in the host after all that
/// `use` has started, shielded and bounded by options.timeout; what it throws becomes an event.
///
/// Blocks: the fiber, until the resource is released. Cancel: is a cancel point before `acquire`, none between that
/// and `use`. Errors: those of `acquire` and `use`.
template <detail::task_function Acquire, class Use, class Release,
          class R = std::remove_reference_t<detail::task_result<Acquire>>>
  requires(detail::resource_function<Use, R>&& detail::resource_function<Release, R>)
[[nodiscard("a task function does nothing until it is called")]] auto bracket(defer_options options, Acquire acquire,
                                                                              Use use, Release release) {
  using T = detail::resource_result<Use, R>;
  detail::check_bracket(options);
  return [options, acquire = std::move(acquire), use = std::move(use),
          release = std::move(release)](context& ctx) mutable -> T {
    detail::slot<detail::task_result<Acquire>> resource;  // outlives the scope, whose cleanup refers to it
    auto inside = [&](context& s) -> T {
      detail::call_into<detail::task_result<Acquire>>(resource, acquire, s);
      R& held = [&]() -> R& {
        if constexpr (std::is_reference_v<detail::task_result<Acquire>>)
          return **resource;
        else
          return *resource;
      }();
      s.defer(options, [&](context& c) { detail::call_with(release, c, held); });
      return detail::call_with(use, s, held);
    };
    return detail::in_scope(ctx, {.name = "bracket"}, inside);
  };
}
template <detail::task_function Acquire, class Use, class Release>
[[nodiscard("a task function does nothing until it is called")]] auto bracket(Acquire acquire, Use use,
                                                                              Release release) {
  return bracket(defer_options{}, std::move(acquire), std::move(use), std::move(release));
}

}  // namespace workit
