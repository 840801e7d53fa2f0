// channel_closed: what a sender meets at a closed channel.
#pragma once

#include <exception>
#include <optional>
#include <workit/base/errors.hpp>

namespace workit {

/// Thrown by send() and try_send() on a channel that is closed, or that is closed while they wait; and by an iteration
/// that comes to the end of a channel that was closed with a reason.
class channel_closed : public error {
 public:
  /// At most one of `why` and `cause` is given.
  channel_closed(const std::string& channel, std::optional<cancel_reason> why, std::exception_ptr cause);
  /// The reason it was closed with, if it was one.
  [[nodiscard]] const std::optional<cancel_reason>& why() const noexcept { return why_; }
  /// The error it was closed with; null when it was none.
  [[nodiscard]] const std::exception_ptr& cause() const noexcept { return cause_; }

 private:
  std::optional<cancel_reason> why_;
  std::exception_ptr cause_;
};

}  // namespace workit
