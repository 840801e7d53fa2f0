// timer_fd: timerfd_create(2) on CLOCK_MONOTONIC, which is std::chrono::steady_clock in libstdc++ and libc++.
#include <workit/base/timer_fd.hpp>

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <system_error>
#include <workit/base/assert.hpp>

namespace workit {
namespace {

using namespace std::chrono_literals;

timespec to_timespec(duration d) noexcept { return {static_cast<time_t>(d / 1s), static_cast<long>((d % 1s) / 1ns)}; }

}  // namespace

timer_fd timer_fd::make() {
  timer_fd made;
  made.descriptor_ = unique_fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!made) throw std::system_error(errno, std::system_category(), "timerfd_create");
  return made;
}

// The kernel takes zero as "off", so the earliest instant is one nanosecond.
void timer_fd::fire_after(duration pause) noexcept { set(std::max<duration>(pause, 1ns), {}, 0); }

void timer_fd::fire_at(time_point when) noexcept {
  set(std::max<duration>(when.time_since_epoch(), 1ns), {}, TFD_TIMER_ABSTIME);
}

void timer_fd::fire_every(duration period) noexcept { set(period, period, 0); }

void timer_fd::turn_off() noexcept { set({}, {}, 0); }

bool timer_fd::take_fired() noexcept {
  std::uint64_t times = 0;
  ssize_t size = 0;
  while ((size = ::read(get(), &times, sizeof times)) < 0 && errno == EINTR) {
  }
  return size == static_cast<ssize_t>(sizeof times);
}

void timer_fd::set(duration first, duration period, int flags) noexcept {
  if (!descriptor_) return;
  const itimerspec spec{to_timespec(period), to_timespec(first)};
  const int failed = ::timerfd_settime(get(), flags, &spec, nullptr);
  WORKIT_ASSERT(failed == 0, std::string("a timer cannot be set: timerfd_settime: ") + std::strerror(errno));
}

}  // namespace workit
