// calling_environment: see the header.
#include <workit/base/detail/calling_environment.hpp>

#include <pthread.h>

#include <cerrno>

namespace workit::detail {

// Both calls that tell of cancellation set something; the first is put back after the second.
calling_environment::calling_environment() noexcept {
  std::fegetenv(&floating_point_);
  locale_ = ::uselocale(nullptr);
  ::pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &cancel_type_);
  ::pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &cancel_state_);
  ::pthread_setcancelstate(cancel_state_, nullptr);
  ::pthread_setcanceltype(cancel_type_, nullptr);
}

void calling_environment::restore() const noexcept {
  std::fesetenv(&floating_point_);
  if (::uselocale(nullptr) != locale_) ::uselocale(locale_);
  ::pthread_setcanceltype(cancel_type_, nullptr);
  ::pthread_setcancelstate(cancel_state_, nullptr);
  errno = 0;
}

}  // namespace workit::detail
