// refuse_order: the sentence for options that stand behind the function.
#pragma once

namespace workit::detail {

template <class>
inline constexpr bool stands_first = false;

/// Does not compile: an overload that takes a function before its options calls it.
template <class F>
constexpr void refuse_order() noexcept {
  static_assert(stands_first<F>, "workit: options stand before the function");
}

}  // namespace workit::detail
