// How a task ended: with a value, an error, or a cancellation.
#pragma once

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <workit/base/reason.hpp>

namespace workit {

namespace detail {
/// How a T is kept: void as an empty value, a reference as a pointer.
template <class T>
using stored =
    std::conditional_t<std::is_void_v<T>, std::monostate,
                       std::conditional_t<std::is_reference_v<T>, std::add_pointer_t<std::remove_reference_t<T>>, T>>;

template <class T>
decltype(auto) restore(stored<T>&& kept) {
  if constexpr (std::is_void_v<T>)
    return;
  else if constexpr (std::is_reference_v<T>)
    return static_cast<T>(*kept);
  else
    return T(std::move(kept));
}
}  // namespace detail

/// Value | error | cancelled(reason). T may be void, move-only or a reference. Threads: as any value.
template <class T>
class [[nodiscard]] outcome {
 public:
  static outcome of_value(detail::stored<T> value) { return outcome(std::in_place_index<0>, std::move(value)); }
  static outcome of_error(std::exception_ptr error) { return outcome(std::in_place_index<1>, std::move(error)); }
  static outcome of_cancellation(cancel_reason why) { return outcome(std::in_place_index<2>, std::move(why)); }

  [[nodiscard]] bool has_value() const noexcept { return held_.index() == 0; }
  [[nodiscard]] bool is_error() const noexcept { return held_.index() == 1; }
  [[nodiscard]] bool is_cancelled() const noexcept { return held_.index() == 2; }

  /// The value, moved out. Errors: rethrows the error; std::bad_variant_access when cancelled.
  T value() && {
    if (is_error()) std::rethrow_exception(std::get<1>(held_));
    return detail::restore<T>(std::get<0>(std::move(held_)));
  }
  /// The error; null when there is none.
  [[nodiscard]] std::exception_ptr error() const noexcept { return is_error() ? std::get<1>(held_) : nullptr; }
  /// The reason. Errors: std::bad_variant_access when not cancelled.
  [[nodiscard]] const cancel_reason& why() const { return std::get<2>(held_); }

 private:
  template <std::size_t I, class V>
  outcome(std::in_place_index_t<I> i, V&& v) : held_(i, std::forward<V>(v)) {}

  std::variant<detail::stored<T>, std::exception_ptr, cancel_reason> held_;
};

}  // namespace workit
