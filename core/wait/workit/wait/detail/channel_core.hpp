// channel_core: all of a channel but the type of its values: places, order and waiters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <workit/base/reason.hpp>
#include <workit/wait/detail/wait_queue.hpp>

namespace workit {

struct channel_options {
  /// How many values may wait in the channel: 1 to 1,048,576; room for them is allocated when the channel is made. One
  /// by default: the producer is at most one ahead.
  std::size_t capacity = 1;
  std::string name = "channel";  ///< for messages
};

}  // namespace workit

namespace workit::detail {

/// What a sender or receiver may now do; decided under the lock, done outside it, where values are moved.
struct channel_claim {
  enum class kind : std::uint8_t {
    nothing,  ///< no room or no value, and no waiter; or closed
    slot,     ///< move to or from slot `number`; a receiver then moves the value of the sender
              ///< `partner`, if any, to slot `number` + capacity
    partner,  ///< move to the receiver `partner`, which waits
    done      ///< the partner has moved it, during a wait
  };
  kind what = kind::nothing;
  std::uint64_t number = 0;  ///< of the value, counted over all that enter the ring
  waiter* partner = nullptr;
};

/// Threads: any. Lifetime: shared by the handles.
class channel_core {
 public:
  static constexpr std::size_t most_capacity = std::size_t{1} << 20;

  /// Errors: std::invalid_argument for a capacity that is not 1 to `most_capacity`.
  explicit channel_core(channel_options options);
  channel_core(const channel_core&) = delete;
  channel_core& operator=(const channel_core&) = delete;

  /// A place for the value at `value`; waits for it, and is a cancel point. Errors: channel_closed.
  [[nodiscard]] channel_claim claim_room(void* value);
  [[nodiscard]] channel_claim try_claim_room();
  /// A value; waits for it, for a sender to move it to `into`, and is a cancel point. Nothing: closed and drained.
  [[nodiscard]] channel_claim claim_value(void* into);
  [[nodiscard]] channel_claim try_claim_value() noexcept;

  /// True to the one call that closed it.
  bool close(std::optional<cancel_reason> why, std::exception_ptr cause);
  [[nodiscard]] bool closed() const noexcept;
  /// What an iteration throws at the end: null while it is open, or when it was closed in peace.
  [[nodiscard]] std::exception_ptr failure() const;

  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

 protected:
  ~channel_core() = default;

 private:
  bool claim_room_now(channel_claim& claim) noexcept;
  bool claim_value_now(channel_claim& claim) noexcept;
  [[noreturn]] void throw_closed() const;

  const std::size_t capacity_;
  const std::string name_;
  mutable spin_lock lock_;
  // Guarded by lock_:
  bool closed_ = false;
  std::size_t size_ = 0;
  std::uint64_t next_ = 0;  // the number of the value that is received next
  wait_queue senders_, receivers_;
  // Constant once closed_ is set:
  std::optional<cancel_reason> why_;
  std::exception_ptr cause_;
};

}  // namespace workit::detail
