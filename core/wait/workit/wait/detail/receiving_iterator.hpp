// receiving_iterator: the iterator of a loop over a channel.
#pragma once

#include <cstddef>
#include <exception>
#include <iterator>
#include <optional>
#include <type_traits>
#include <utility>

namespace workit::detail {

/// An input iterator: each step receives, and values are the loop's to move from. Errors: a step throws what the
/// channel was closed with.
template <class Channel>
class receiving_iterator {
 public:
  using iterator_concept = std::input_iterator_tag;
  using value_type = typename Channel::value_type;
  using difference_type = std::ptrdiff_t;
  static constexpr bool moves_safely =
      std::is_nothrow_move_constructible_v<value_type> && std::is_nothrow_move_assignable_v<value_type>;

  explicit receiving_iterator(Channel from) : from_(std::move(from)) { ++*this; }
  receiving_iterator(receiving_iterator&&) noexcept(moves_safely) = default;
  receiving_iterator& operator=(receiving_iterator&&) noexcept(moves_safely) = default;

  [[nodiscard]] value_type& operator*() const noexcept { return *value_; }
  receiving_iterator& operator++() {
    value_.reset();
    if (auto next = from_.receive())
      value_.emplace(std::move(*next));
    else if (auto error = from_.error())
      std::rethrow_exception(std::move(error));
    return *this;
  }
  void operator++(int) { ++*this; }
  friend bool operator==(const receiving_iterator& i, std::default_sentinel_t) noexcept { return !i.value_; }

 private:
  Channel from_;
  mutable std::optional<value_type> value_;
};

}  // namespace workit::detail
