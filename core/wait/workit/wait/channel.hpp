// channel<T>: a bounded queue through which fibers and threads hand values to each other.
#pragma once

#include <bit>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <type_traits>
#include <workit/base/detail/check_option.hpp>
#include <workit/wait/channel_closed.hpp>
#include <workit/wait/detail/channel_core.hpp>
#include <workit/wait/detail/channel_slot.hpp>
#include <workit/wait/detail/receiving_iterator.hpp>

namespace workit {

/// A handle; copies refer to the same channel, and it lives as long as the last of them. Values come out in the order
/// in which they went in, those of one producer in its order; waiters are served first come, first served, a waiting
/// receiver directly. Closing ends the sending: what is in the channel can still be received. A channel belongs to no
/// scope; a scope's fibers leave their waits when it stops.
///
/// T: an object type whose move constructor and destructor are noexcept. They run on the thread of a sender or
/// receiver, outside the channel's lock; they must not suspend, nor use this channel. A std::unique_ptr holds what
/// cannot be moved so.
///
/// Threads: any; fibers of any loop of any runtime, and foreign threads, which send() and receive() block.
template <class T>
class channel {
  static_assert(std::is_object_v<T> && !std::is_const_v<T>, "channel<T> holds values: send a pointer instead");
  static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>,
                "channel<T> cannot undo half a hand-over: T's move constructor and destructor have to be noexcept. "
                "Send a std::unique_ptr<T> instead");

 public:
  using value_type = T;
  using iterator = detail::receiving_iterator<channel>;

  /// Errors: std::invalid_argument for a capacity that is not 1 to 1,048,576; std::bad_alloc.
  explicit channel(channel_options options = {}) : state_(std::make_shared<state>(std::move(options))) {}
  channel(const channel&) = default;  // not movable: a handle is never empty
  channel& operator=(const channel&) = default;

  /// Puts `value` in, or hands it to a receiver. Blocks: the fiber, or the foreign thread, while there is no room.
  /// Cancel: is a cancel point; a value that was taken is sent, else it is destroyed here, once. While an exception
  /// unwinds the fiber it waits on. Errors: channel_closed, the value being destroyed; asserts that it is not called on
  /// a loop's own stack, where try_send() may be.
  void send(T value) const { state_->put(state_->claim_room(std::addressof(value)), value); }

  /// Whether there was room, or a receiver, for `value`; else it is left as it was. Blocks: no. Cancel: no cancel
  /// point. Errors: channel_closed.
  [[nodiscard]] bool try_send(T&& value) const { return state_->put(state_->try_claim_room(), value); }
  [[nodiscard]] bool try_send(const T& value) const { return try_send(T(value)); }

  /// The next value; none when the channel is closed and drained, whichever way it was closed (see error()). Blocks:
  /// the fiber, or the foreign thread, while there is none. Cancel: is a cancel point; a value that was handed over is
  /// returned. While an exception unwinds the fiber it waits on. Errors: asserts as send().
  [[nodiscard]] std::optional<T> receive() const {
    std::optional<T> value;
    state_->take(state_->claim_value(std::addressof(value)), value);
    return value;
  }
  /// The next value, if there is one now. Blocks: no. Cancel: no cancel point.
  [[nodiscard]] std::optional<T> try_receive() const noexcept {
    std::optional<T> value;
    state_->take(state_->try_claim_value(), value);
    return value;
  }

  /// Ends the sending: waiting senders get channel_closed, receivers what is left. The first call decides how it was
  /// closed, and gets true. Blocks: no.
  bool close() const { return state_->close({}, nullptr); }
  /// Closes it because the values do not come to a good end: an iteration then ends with channel_closed{why}.
  bool close(cancel_reason why) const { return state_->close(std::move(why), nullptr); }
  bool close(std::string tag) const { return close(reason::manual{.tag = std::move(tag)}); }
  /// The same, with an error, which an iteration then throws. Errors: std::invalid_argument when it is null.
  bool close(std::exception_ptr error) const {
    WORKIT_CHECK_OPTION(error != nullptr,
                        "a channel was closed with an error that is null: call std::current_exception() "
                        "inside the handler, or close() for a clean end");
    return state_->close({}, std::move(error));
  }
  [[nodiscard]] bool closed() const noexcept { return state_->closed(); }
  /// What it was closed with, channel_closed{why} in case of a reason; null while open, and after a plain close().
  [[nodiscard]] std::exception_ptr error() const { return state_->failure(); }

  /// How many values are in it: 0 to capacity().
  [[nodiscard]] std::size_t size() const noexcept { return state_->size(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return state_->capacity(); }

  /// Receives until the channel is closed and drained: `for (auto& value : channel)`. Blocks, Cancel: as receive(), at
  /// begin() and at each step. Errors: at the end, what it was closed with (see error()).
  [[nodiscard]] iterator begin() const { return iterator(*this); }
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

  /// Whether both are handles of the same channel.
  friend bool operator==(const channel&, const channel&) = default;

 private:
  class state;
  std::shared_ptr<state> state_;
};

/// The ring, and the moves that channel_core decides on.
template <class T>
class channel<T>::state final : public detail::channel_core {
 public:
  explicit state(channel_options options)
      : channel_core(std::move(options)),
        ring_(std::bit_ceil(capacity())),
        slots_(std::make_unique<detail::channel_slot<T>[]>(ring_)) {
    for (std::size_t i = 0; i < ring_; ++i) slots_[i].begin(i);
  }
  ~state() {
    for (std::optional<T> left; size() > 0;) take(try_claim_value(), left);
  }

  /// Whether the value is on its way.
  bool put(const detail::channel_claim& to, T& value) noexcept {
    using kind = detail::channel_claim::kind;
    if (to.what == kind::slot) {
      slot(to.number).put(to.number, value);
    } else if (to.what == kind::partner) {
      static_cast<std::optional<T>*>(to.partner->place())->emplace(std::move(value));
      to.partner->wake();
    }
    return to.what != kind::nothing;
  }

  void take(const detail::channel_claim& from, std::optional<T>& into) noexcept {
    if (from.what != detail::channel_claim::kind::slot) return;
    slot(from.number).take(from.number, from.number + ring_, into);
    if (from.partner == nullptr) return;
    const auto number = from.number + capacity();
    slot(number).put(number, *static_cast<T*>(from.partner->place()));
    from.partner->wake();
  }

 private:
  [[nodiscard]] detail::channel_slot<T>& slot(std::uint64_t number) const noexcept {
    return slots_[number & (ring_ - 1)];
  }

  const std::size_t ring_;  // a power of two, so that a number says its slot
  const std::unique_ptr<detail::channel_slot<T>[]> slots_;
};

}  // namespace workit
