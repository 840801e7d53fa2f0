// warden_service: what the services of all worker boundaries have in common, the runtime's warden.
#pragma once

#include <memory>
#include <workit/base/service.hpp>

namespace workit::preempt {
class warden;
}

namespace workit::detail {

/// A service whose tasks a warden stops. The first one of a runtime makes the warden and installs it as the runtime's
/// alarm; the others share it, so that no code has to find out of which type that alarm is.
class warden_service : public service {
 public:
  /// Requires: share_warden() was called.
  [[nodiscard]] preempt::warden& warden() const noexcept { return *warden_; }
  [[nodiscard]] bool has_warden() const noexcept { return warden_ != nullptr; }

 protected:
  /// To be called from before_threads(). Errors: std::system_error when descriptors, memory or threads have run out;
  /// asserts that the runtime has no alarm of another kind.
  preempt::warden& share_warden(runtime& owner);

 private:
  std::shared_ptr<preempt::warden> warden_;
};

}  // namespace workit::detail
