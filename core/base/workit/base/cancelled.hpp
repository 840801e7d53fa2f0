// `cancelled`: how a body leaves when its own scope is stopping.
#pragma once

#include <workit/base/reason.hpp>

namespace workit {

namespace detail {
class fiber;
struct cancel_thrower;
}  // namespace detail

/// Thrown by cancel points only, and only when the scope or task of the code that runs there is stopping. It is not an
/// error and does not derive from std::exception, so that `catch (const std::exception&)` lets it pass. Swallowing it
/// is no harm: the next cancel point throws it again.
class cancelled {
 public:
  /// Why the scope is stopping.
  [[nodiscard]] const cancel_reason& why() const noexcept { return why_; }

 private:
  friend class detail::fiber;
  friend struct detail::cancel_thrower;
  explicit cancelled(cancel_reason why);

  cancel_reason why_;
};

namespace detail {

/// For boundaries: what a cancel point outside of fibers throws.
struct cancel_thrower {
  [[noreturn]] static void leave(cancel_reason why);
};

}  // namespace detail

}  // namespace workit
