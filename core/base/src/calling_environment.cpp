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

// Setting x87's takes a tenth of a microsecond, and reading them nothing. fenv_t of x86-64 is what fnstenv stores, and
// MXCSR; the low six bits of the status are the flags.
bool calling_environment::has_floating_point() const noexcept {
#ifdef __x86_64__
  constexpr unsigned short flags = 0x3f;
  unsigned short control = 0, status = 0;
  unsigned mxcsr = 0;
  asm volatile("fnstcw %0\n\tfnstsw %1\n\tstmxcsr %2" : "=m"(control), "=m"(status), "=m"(mxcsr));
  return control == floating_point_.__control_word && mxcsr == floating_point_.__mxcsr &&
         ((status ^ floating_point_.__status_word) & flags) == 0;
#else
  return false;
#endif
}

void calling_environment::restore() const noexcept {
  if (!has_floating_point()) std::fesetenv(&floating_point_);
  if (::uselocale(nullptr) != locale_) ::uselocale(locale_);
  ::pthread_setcanceltype(cancel_type_, nullptr);
  ::pthread_setcancelstate(cancel_state_, nullptr);
  errno = 0;
}

}  // namespace workit::detail
