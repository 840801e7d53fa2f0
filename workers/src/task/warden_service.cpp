// warden_service: see the header.
#include <workit/workers/detail/warden_service.hpp>

#include <workit/preempt/warden.hpp>
#include <workit/scope/runtime.hpp>

namespace workit::detail {

preempt::warden& warden_service::share_warden(runtime& owner) {
  const auto* first = owner.find_service<warden_service>([](const warden_service& s) { return s.has_warden(); });
  if (first != nullptr) {
    warden_ = first->warden_;
  } else {
    auto made = std::make_shared<preempt::warden>();
    owner.install_warden(made);
    warden_ = std::move(made);
  }
  return *warden_;
}

}  // namespace workit::detail
