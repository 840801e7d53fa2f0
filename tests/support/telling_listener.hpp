// A listener that tells a warden of cancellations, in tests that have no runtime.
#pragma once

#include <memory>
#include <workit/base/alarm.hpp>
#include <workit/base/cancel_cell.hpp>

namespace workit::test {

/// Passes every cancellation on at once, as the owner of a scope does.
class telling_listener final : public cancel_listener {
 public:
  explicit telling_listener(alarm& warden) : warden_(warden) {}
  void cancelled(const std::shared_ptr<cancel_cell>& cell, tell_alarm then) noexcept override {
    if (then == tell_alarm::yes) warden_.cancelled(*cell);
  }

 private:
  alarm& warden_;
};

}  // namespace workit::test
