// outcome: how a task ended, with a value, an error or a cancellation.
#pragma once

#include <exception>
#include <optional>
#include <string>
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

/// A cancellation, and whose it was.
struct cancelled_task {
  cancel_reason why;
  std::string task;
};
[[noreturn]] void throw_task_cancelled(const cancelled_task& ended);
[[noreturn]] void refuse_reason(bool has_value);
}  // namespace detail

/// Value | error | cancelled(reason). T may be void, move-only or a reference. Threads: as any value.
template <class T>
class [[nodiscard]] outcome {
 public:
  static outcome of_value(detail::stored<T> value) { return outcome(std::in_place_index<0>, std::move(value)); }
  static outcome of_error(std::exception_ptr error) { return outcome(std::in_place_index<1>, std::move(error)); }
  /// `task` is whose it was, for the error that value() throws.
  static outcome of_cancellation(cancel_reason why, std::string task = "anonymous") {
    return outcome(std::in_place_index<2>, detail::cancelled_task{std::move(why), std::move(task)});
  }

  [[nodiscard]] bool has_value() const noexcept { return held_.index() == 0; }
  [[nodiscard]] bool is_error() const noexcept { return held_.index() == 1; }
  [[nodiscard]] bool is_cancelled() const noexcept { return held_.index() == 2; }

  /// The value, moved out. Errors: rethrows the error; task_cancelled when it was cancelled, as task::get() does.
  T value() && {
    if (is_error()) std::rethrow_exception(std::get<1>(held_));
    if (is_cancelled()) detail::throw_task_cancelled(std::get<2>(held_));
    return detail::restore<T>(std::get<0>(std::move(held_)));
  }
  /// The error; null when there is none.
  [[nodiscard]] std::exception_ptr error() const noexcept { return is_error() ? std::get<1>(held_) : nullptr; }
  /// The reason. Errors: asking where nothing was cancelled is misuse.
  [[nodiscard]] const cancel_reason& why() const {
    if (!is_cancelled()) detail::refuse_reason(has_value());
    return std::get<2>(held_).why;
  }

 private:
  template <std::size_t I, class V>
  outcome(std::in_place_index_t<I> i, V&& v) : held_(i, std::forward<V>(v)) {}

  std::variant<detail::stored<T>, std::exception_ptr, detail::cancelled_task> held_;
};

}  // namespace workit
