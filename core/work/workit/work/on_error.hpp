// on_error: what becomes of the rest when an item of a work() fails, and what the run returns then.
#pragma once

#include <cstdint>
#include <workit/scope/detail/slot.hpp>

namespace workit::on_error {

/// The first error cancels the other items (reason::sibling_failed), joins them, and is thrown. Returns the results in
/// the order of the items, as std::vector<O>; nothing when the function returns nothing. The default.
struct fail_t {};
/// The rest goes on. Returns `continued`.
struct continue_t {};
/// The rest goes on. Returns std::vector<outcome<O>>: one for each item, in their order. An item that was filtered out
/// is reason::manual{"filtered"} there.
struct collect_t {};
/// An item that ran out of time, or was cancelled, is listed; an ordinary error fails as under `fail`. When the scope
/// around the run is stopped the run ends, too, and returns what it has. Returns `partial`.
struct partial_t {};

inline constexpr fail_t fail{};
inline constexpr continue_t continue_{};
inline constexpr collect_t collect{};
inline constexpr partial_t partial{};

}  // namespace workit::on_error

namespace workit {

/// An item that failed. T is the type of the items; what is borrowed and cannot be copied is a
/// std::reference_wrapper.
template <class T>
struct item_error {
  std::size_t index = 0;     ///< its place in the source, from 0
  T item;                    ///< as the stages have left it
  std::exception_ptr error;  ///< task_cancelled when it alone was cancelled
  std::size_t attempts = 0;  ///< that have begun
};

/// An item that did not come to its end.
template <class T>
struct item_cancelled {
  std::size_t index = 0;
  T item;
  cancel_reason why;
};

namespace detail {

template <class O>
struct work_results {
  std::vector<listed<O>> results{};  ///< of the items that succeeded, in the order of the items
};
template <>
struct work_results<void> {
  std::size_t succeeded = 0;  ///< how many
};

}  // namespace detail

/// What on_error::continue_ returns: every item that was pulled is in one of the three.
template <class T, class O>
struct continued : detail::work_results<O> {
  std::vector<item_error<T>> errors{};  ///< in the order of the items
  std::size_t filtered = 0;             ///< how many items a filter has dropped
};

/// What on_error::partial returns: every item that was pulled is in one of the three.
template <class T, class O>
struct partial : detail::work_results<O> {
  std::vector<item_cancelled<T>> cancelled{};  ///< in the order of the items
  std::size_t filtered = 0;                    ///< how many items a filter has dropped
  /// Why this is not all: the reason of the scope, else of the first item in `cancelled`. None: this is all.
  std::optional<cancel_reason> why{};
};

}  // namespace workit
