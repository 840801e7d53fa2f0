// resource_function: a callable that takes a resource, and a context if it wants one.
#pragma once

#include <concepts>
#include <utility>
#include <workit/scope/context.hpp>

namespace workit::detail {

template <class F, class R>
concept resource_function = std::invocable<F&, context&, R&> || std::invocable<F&, R&>;

template <class F, class R>
decltype(auto) call_with(F& function, context& ctx, R& resource) {
  if constexpr (std::invocable<F&, context&, R&>)
    return function(ctx, resource);
  else
    return function(resource);
}

template <class F, class R>
using resource_result = decltype(call_with(std::declval<F&>(), std::declval<context&>(), std::declval<R&>()));

}  // namespace workit::detail
