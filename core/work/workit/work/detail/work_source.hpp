// work_source: where the items of a work() come from: ranges, channels, functions.
#pragma once

#include <ranges>
#include <workit/base/detail/check_option.hpp>
#include <workit/scope/detail/slot.hpp>
#include <workit/wait/channel.hpp>

namespace workit::detail {

// A source has
//   item         what is kept of an item while it is under way: T, or T& into a range that stays where it is
//   owns_items   whether items may be moved from
//   is_used_up   whether one run uses it up
//   cursor       one pass: made from the source, `bool next(context&, slot<item>&)`

/// A source that can be passed once, and is gone with that pass.
template <class S>
class used_once {
 public:
  explicit used_once(S source) : held_(std::move(source)) {}
  S take() {
    WORKIT_CHECK_OPTION(held_.has_value(),
                        "the source of this work() has been used up by an earlier run: a generator or function can be "
                        "passed once. Make a new work() for each run, inside of retry() for instance");
    S taken(std::move(*held_));
    held_.reset();
    return taken;
  }

 private:
  std::optional<S> held_;
};

/// Elements that stay where they are are referred to, those of a single-pass range move into the run.
template <class R>
concept has_lasting_elements =
    std::ranges::forward_range<R> && std::is_lvalue_reference_v<std::ranges::range_reference_t<R>>;

/// The steps through a range; the next element is made only when it is asked for.
template <class R>
class range_steps {
 public:
  using item =
      std::conditional_t<has_lasting_elements<R>, std::ranges::range_reference_t<R>, std::ranges::range_value_t<R>>;

  bool next(R& range, slot<item>& into) {
    if (!at_)
      at_.emplace(std::ranges::begin(range));
    else
      ++*at_;
    if (*at_ == std::ranges::end(range)) return false;
    if constexpr (has_lasting_elements<R>)
      into.emplace(std::addressof(**at_));
    else if constexpr (std::is_constructible_v<item, std::ranges::range_reference_t<R>>)
      into.emplace(**at_);
    else
      into.emplace(std::ranges::iter_move(*at_));
    return true;
  }

 private:
  std::optional<std::ranges::iterator_t<R>> at_;
};

/// A range that the caller owns.
template <class R>
struct borrowed_range {
  using item = typename range_steps<R>::item;
  static constexpr bool owns_items = !has_lasting_elements<R>;

  class cursor {
   public:
    explicit cursor(borrowed_range& from) : range_(*from.range) {}
    bool next(context&, slot<item>& into) { return steps_.next(range_, into); }

   private:
    R& range_;
    range_steps<R> steps_;
  };

  R* range;
};

/// A range that can be passed again.
template <class R>
struct owned_range {
  using item = typename range_steps<R>::item;
  static constexpr bool owns_items = !has_lasting_elements<R> || !std::ranges::view<R>;

  class cursor {
   public:
    explicit cursor(owned_range& from) : range_(from.range) {}
    bool next(context&, slot<item>& into) { return steps_.next(range_, into); }

   private:
    R& range_;
    range_steps<R> steps_;
  };

  R range;
};

/// A range that can be passed once.
template <class R>
struct single_pass_range {
  using item = typename range_steps<R>::item;
  static constexpr bool owns_items = true;

  class cursor {
   public:
    explicit cursor(single_pass_range& from) : range_(from.range.take()) {}
    bool next(context&, slot<item>& into) { return steps_.next(range_, into); }

   private:
    R range_;
    range_steps<R> steps_;
  };

  used_once<R> range;
};

template <class T>
struct channel_source {
  using item = T;
  static constexpr bool owns_items = true;

  class cursor {
   public:
    explicit cursor(channel_source& from) : channel_(from.channel) {}
    bool next(context&, slot<item>& into) {
      into = channel_.receive();
      if (into) return true;
      if (auto error = channel_.error()) std::rethrow_exception(std::move(error));
      return false;
    }

   private:
    workit::channel<T> channel_;
  };

  workit::channel<T> channel;
};

template <class>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class>
inline constexpr bool is_channel = false;
template <class T>
inline constexpr bool is_channel<channel<T>> = true;

/// F(context&) or F(), until it returns none.
template <class F>
concept source_function = task_function<F> && is_optional<std::remove_cvref_t<task_result<F>>>;

template <source_function F>
struct function_source {
  using item = typename std::remove_cvref_t<task_result<F>>::value_type;
  static constexpr bool owns_items = true;

  class cursor {
   public:
    explicit cursor(function_source& from) : function_(from.function.take()) {}
    bool next(context& ctx, slot<item>& into) {
      into = call_task(function_, ctx);
      return into.has_value();
    }

   private:
    F function_;
  };

  used_once<F> function;
};

template <class S>
auto source_of(S&& from) {
  using D = std::remove_cvref_t<S>;
  if constexpr (is_channel<D>)
    return channel_source<typename D::value_type>{from};
  else if constexpr (std::is_lvalue_reference_v<S> && std::ranges::input_range<S>)
    return borrowed_range<std::remove_reference_t<S>>{std::addressof(from)};
  else if constexpr (std::ranges::forward_range<D>)
    return owned_range<D>{std::forward<S>(from)};
  else if constexpr (std::ranges::input_range<D>)
    return single_pass_range<D>{used_once<D>(std::forward<S>(from))};
  else
    return function_source<D>{used_once<D>(std::forward<S>(from))};
}

template <class S>
concept work_source = is_channel<std::remove_cvref_t<S>> || std::ranges::input_range<S> ||
    std::ranges::input_range<std::remove_cvref_t<S>> || source_function<std::remove_cvref_t<S>>;

}  // namespace workit::detail
