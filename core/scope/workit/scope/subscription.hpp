// subscription: holds a handler of a scope, which is called for as long as this lives.
#pragma once

#include <memory>

namespace workit {

namespace detail {
struct scope_handler;
}

/// What scope::on_event, scope::on_cancel and the observers' attach() return. Its end takes the handler from the scope:
/// the handler is not called again, not even for the event that the scope is just telling.
///
///   const auto heard = s.on_event(note);  // until the end of this block
///   s.on_event(note).keep();              // until the scope has closed
///
/// Threads: the scope's loop while the scope is open; any after that. Errors: ending it on another thread while the
/// scope is open is misuse. Lifetime: any; it does nothing once the scope has closed.
class [[nodiscard(
    "the handler is taken from its scope when its subscription ends: hold that, or keep() it")]] subscription {
 public:
  /// Of no handler.
  subscription() noexcept = default;
  explicit subscription(std::weak_ptr<detail::scope_handler> handler) noexcept : handler_(std::move(handler)) {}
  subscription(subscription &&) noexcept = default;
  subscription& operator=(subscription&& other) noexcept {
    if (this != &other) {
      end();
      handler_ = std::move(other.handler_);
    }
    return *this;
  }
  ~subscription() { end(); }

  /// Takes the handler from the scope. Idempotent.
  void end() noexcept;
  /// Leaves the handler with the scope until that has closed.
  void keep() noexcept { handler_.reset(); }
  /// Whether the scope has the handler. An on_cancel handler leaves when it is called.
  [[nodiscard]] bool is_active() const noexcept { return !handler_.expired(); }

 private:
  std::weak_ptr<detail::scope_handler> handler_;
};

}  // namespace workit
