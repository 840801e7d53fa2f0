// slot: where one branch of a composable leaves its value.
#pragma once

#include <functional>
#include <tuple>
#include <utility>
#include <vector>
#include <workit/scope/scope.hpp>

namespace workit::detail {

template <class T>
using slot = std::optional<stored<T>>;

/// A value of T as an element of a tuple or vector: nothing as std::monostate.
template <class T>
using element = std::conditional_t<std::is_void_v<T>, std::monostate, T>;
/// A vector holds no references.
template <class T>
using listed = std::conditional_t<std::is_reference_v<T>, std::reference_wrapper<std::remove_reference_t<T>>, T>;

/// Calls the function and keeps its value, converted to R.
template <class R, class F>
void call_into(slot<R>& to, F& function, context& ctx) {
  if constexpr (std::is_void_v<R>) {
    call_task(function, ctx);
    to.emplace();
  } else if constexpr (std::is_reference_v<R>) {
    to.emplace(std::addressof(call_task(function, ctx)));
  } else {
    to.emplace(call_task(function, ctx));
  }
}

/// The value as an element of a tuple.
template <class T>
element<T> take(slot<T>& from) {
  if constexpr (std::is_void_v<T>)
    return {};
  else
    return restore<T>(std::move(*from));
}

template <class... T>
concept all_void = (std::is_void_v<T> && ...);

/// What a function that combines the values of all its parts returns: a tuple, or nothing when all return nothing.
template <class... T>
using all_of = std::conditional_t<all_void<T...>, void, std::tuple<element<T>...>>;
template <class T>
using all_of_list = std::conditional_t<std::is_void_v<T>, void, std::vector<listed<element<T>>>>;

template <class... T>
all_of<T...> take_all(std::tuple<slot<T>...>& from) {
  if constexpr (!all_void<T...>) return std::apply([](auto&... each) { return all_of<T...>(take<T>(each)...); }, from);
}

template <class T>
all_of_list<T> take_all(std::vector<slot<T>>& from) {
  if constexpr (!std::is_void_v<T>) {
    all_of_list<T> values;
    values.reserve(from.size());
    for (auto& each : from) values.push_back(take<T>(each));
    return values;
  }
}

/// What a function that gives the value of one of its parts returns: their type, or what they all convert to.
template <class First, class... Rest>
struct one_of_them : std::common_type<First, Rest...> {};
template <class First, class... Rest>
  requires(std::is_same_v<First, Rest>&&...)
struct one_of_them<First, Rest...> {
  using type = First;
};
template <class... T>
using one_of = typename one_of_them<T...>::type;

}  // namespace workit::detail
