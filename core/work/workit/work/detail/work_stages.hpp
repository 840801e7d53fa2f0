// work_stages: the stages of a work(): how an item becomes a value.
#pragma once

#include <workit/scope/detail/slot.hpp>

namespace workit::detail {

template <class F>
struct map_stage {
  F function;
};
template <class F>
struct filter_stage {
  F function;
};
template <class F>
struct tap_stage {
  F function;
};

/// The item itself, before the first map: kept for a second attempt and for reports, so that stages get an lvalue. One
/// that the run owns is given away to a stage that takes it no other way.
template <class T, bool Owned>
struct untouched {};

template <class F, class V>
concept takes = std::invocable<F&, context&, V> || std::invocable<F&, V>;

/// What a function is given of a V: T& for a reference, T&& for a value that no one else will look at.
template <class F, class V>
struct offer {
  using type = std::conditional_t<std::is_lvalue_reference_v<V> || !takes<F, V&&>, V&, V&&>;
};
template <class F, class T, bool Owned>
struct offer<F, untouched<T, Owned>> {
  using type = std::conditional_t<Owned && !takes<F, T&> && takes<F, T&&>, T&&, T&>;
};
template <class F, class V>
using offered = typename offer<F, V>::type;

/// What a stage that only looks is given.
template <class V>
struct look {
  using type = V&;
};
template <class T, bool Owned>
struct look<untouched<T, Owned>> {
  using type = T&;
};
template <class V>
using looked_at = typename look<V>::type;

template <class F, class A>
decltype(auto) call_function(F& function, context& ctx, A&& argument) {
  static_assert(takes<F, A>,
                "a stage of work() is called as F(item) or F(context&, item): this one takes neither. A move-only item "
                "of a range that work() does not own can be taken by reference only");
  if constexpr (std::invocable<F&, context&, A>)
    return std::invoke(function, ctx, std::forward<A>(argument));
  else
    return std::invoke(function, std::forward<A>(argument));
}

template <class R>
inline constexpr bool is_task = std::invocable<std::add_lvalue_reference_t<R>, context&>;
template <class R>
  requires std::is_void_v<R>
inline constexpr bool is_task<R> = false;

/// Calls a stage. One that returns a task function T(context&), as offload() does, has it run: its value counts.
template <class F, class A>
decltype(auto) call_stage(F& function, context& ctx, A&& argument) {
  using R = decltype(call_function(function, ctx, std::forward<A>(argument)));
  if constexpr (is_task<R>) {
    auto&& then = call_function(function, ctx, std::forward<A>(argument));
    return then(ctx);
  } else {
    return call_function(function, ctx, std::forward<A>(argument));
  }
}

template <class R>
using without_rvalue = std::conditional_t<std::is_rvalue_reference_v<R>, std::remove_reference_t<R>, R>;
/// What a map makes of a V: a value, a reference, or nothing.
template <class F, class V>
using mapped =
    without_rvalue<decltype(call_stage(std::declval<F&>(), std::declval<context&>(), std::declval<offered<F, V>>()))>;

/// What comes out of the last stage.
template <class V, class... Stages>
struct flow_result {
  using type = V;
};
template <class T, bool Owned>
struct flow_result<untouched<T, Owned>> {
  using type = std::remove_cv_t<T>;
};
template <class V, class F, class... Rest>
struct flow_result<V, map_stage<F>, Rest...> : flow_result<mapped<F, V>, Rest...> {};
template <class V, class F, class... Rest>
struct flow_result<V, filter_stage<F>, Rest...> : flow_result<V, Rest...> {};
template <class V, class F, class... Rest>
struct flow_result<V, tap_stage<F>, Rest...> : flow_result<V, Rest...> {};

/// Whether a stage is given the item for good.
template <class V, class... Stages>
inline constexpr bool gives_away = false;
template <class V, class F, class... Rest>
inline constexpr bool gives_away<V, filter_stage<F>, Rest...> = gives_away<V, Rest...>;
template <class V, class F, class... Rest>
inline constexpr bool gives_away<V, tap_stage<F>, Rest...> = gives_away<V, Rest...>;
template <class T, bool Owned, class F, class... Rest>
inline constexpr bool gives_away<untouched<T, Owned>, map_stage<F>, Rest...> =
    std::is_rvalue_reference_v<offered<F, untouched<T, Owned>>>;

template <class V, class O>
struct last_step {
  static void keep(slot<O>& to, std::remove_reference_t<V>& value) {
    if constexpr (std::is_lvalue_reference_v<V>)
      to.emplace(std::addressof(value));
    else
      to.emplace(std::move(value));
  }
};
template <class T, bool Owned, class O>
struct last_step<untouched<T, Owned>, O> {
  static void keep(slot<O>& to, T& item) {
    static_assert(std::is_copy_constructible_v<O> || Owned,
                  "collect() would have to copy items that cannot be copied, of a range that work() does not own: "
                  "map() them to something else, or give work() the range with std::move");
    if constexpr (std::is_copy_constructible_v<O>)
      to.emplace(item);
    else
      to.emplace(std::move(item));
  }
};

/// Takes one value through the rest of the stages into `to`; false when a filter drops it. `V` says what it is.
template <class V, class O, class Value>
bool flow(context&, slot<O>& to, Value& value) {
  last_step<V, O>::keep(to, value);
  return true;
}
template <class V, class O, class Value, class F, class... Rest>
bool flow(context& ctx, slot<O>& to, Value& value, map_stage<F>& stage, Rest&... rest);
template <class V, class O, class Value, class F, class... Rest>
bool flow(context& ctx, slot<O>& to, Value& value, tap_stage<F>& stage, Rest&... rest);

template <class V, class O, class Value, class F, class... Rest>
bool flow(context& ctx, slot<O>& to, Value& value, filter_stage<F>& stage, Rest&... rest) {
  return static_cast<bool>(call_stage(stage.function, ctx, static_cast<looked_at<V>>(value))) &&
         flow<V, O>(ctx, to, value, rest...);
}
template <class V, class O, class Value, class F, class... Rest>
bool flow(context& ctx, slot<O>& to, Value& value, tap_stage<F>& stage, Rest&... rest) {
  call_stage(stage.function, ctx, static_cast<looked_at<V>>(value));
  return flow<V, O>(ctx, to, value, rest...);
}
template <class V, class O, class Value, class F, class... Rest>
bool flow(context& ctx, slot<O>& to, Value& value, map_stage<F>& stage, Rest&... rest) {
  using R = mapped<F, V>;
  if constexpr (std::is_void_v<R>) {
    static_assert(sizeof...(Rest) == 0,
                  "a map() that returns nothing leaves nothing for the stages after it: tap() "
                  "passes the value on");
    call_stage(stage.function, ctx, static_cast<offered<F, V>>(value));
    to.emplace();
    return true;
  } else {
    R&& next = call_stage(stage.function, ctx, static_cast<offered<F, V>>(value));
    return flow<R, O>(ctx, to, next, rest...);
  }
}

}  // namespace workit::detail
