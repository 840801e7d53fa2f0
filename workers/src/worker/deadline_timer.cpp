// deadline_timer: timer_create(2) with SIGKILL, which no task can block.
#include "deadline_timer.hpp"

#include <algorithm>
#include <csignal>

namespace workit::workers {
namespace {

constexpr std::int64_t ns_per_s = 1'000'000'000;

}  // namespace

deadline_timer::deadline_timer() noexcept {
#ifdef WORKIT_WITHOUT_KERNEL_TIMER
  return;
#endif
  sigevent kill{};
  kill.sigev_notify = SIGEV_SIGNAL;
  kill.sigev_signo = SIGKILL;
  exists_ = ::timer_create(CLOCK_MONOTONIC, &kill, &timer_) == 0;
}

deadline_timer::~deadline_timer() {
  if (exists_) ::timer_delete(timer_);
}

void deadline_timer::set(std::int64_t at_ns) noexcept {
  const auto at = std::max<std::int64_t>(1, at_ns);  // 0 would cancel it
  itimerspec when{};
  when.it_value.tv_sec = at / ns_per_s;
  when.it_value.tv_nsec = at % ns_per_s;
  if (exists_) ::timer_settime(timer_, TIMER_ABSTIME, &when, nullptr);
}

void deadline_timer::cancel() noexcept {
  const itimerspec never{};
  if (exists_) ::timer_settime(timer_, 0, &never, nullptr);
}

std::int64_t deadline_timer::left_ns() const noexcept {
  itimerspec now{};
  if (exists_) ::timer_gettime(timer_, &now);
  return static_cast<std::int64_t>(now.it_value.tv_sec) * ns_per_s + now.it_value.tv_nsec;
}

}  // namespace workit::workers
