// thread_attributes: see the header.
#include "thread_attributes.hpp"

#include <pthread.h>
#include <sys/prctl.h>

#include <cstring>

namespace workit::preempt {
namespace {

/// Nothing on machines with more processors than the set has.
std::optional<cpu_set_t> processors() noexcept {
  cpu_set_t now;
  if (::sched_getaffinity(0, sizeof now, &now) != 0) return std::nullopt;
  return now;
}

}  // namespace

thread_attributes::thread_attributes() noexcept : scheduling_(workit::detail::scheduling::of(0)), cpus_(processors()) {
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask_);
  ::sigaltstack(nullptr, &signal_stack_);
  ::prctl(PR_GET_NAME, name_);
  if (const int slack = ::prctl(PR_GET_TIMERSLACK); slack > 0) timer_slack_ = static_cast<unsigned long>(slack);
}

// The mask is last: a kick is let through when everything else is in order.
void thread_attributes::restore() const noexcept {
  ::sigaltstack(&signal_stack_, nullptr);
  char name[16] = {};
  if (::prctl(PR_GET_NAME, name) == 0 && std::strcmp(name, name_) != 0) ::prctl(PR_SET_NAME, name_);
  if (scheduling_ && workit::detail::scheduling::of(0) != scheduling_) scheduling_->give_to(0);
  if (cpus_) {
    const auto now = processors();
    if (!now || !CPU_EQUAL(&*now, &*cpus_)) ::sched_setaffinity(0, sizeof *cpus_, &*cpus_);
  }
  if (timer_slack_ != 0) ::prctl(PR_SET_TIMERSLACK, timer_slack_);
  ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
}

}  // namespace workit::preempt
