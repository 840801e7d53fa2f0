// scheduling: sched_getattr(2) and sched_setattr(2).
#include <workit/base/detail/scheduling.hpp>

#include <sys/syscall.h>
#include <unistd.h>

namespace workit::detail {

std::optional<scheduling> scheduling::of(pid_t thread) noexcept {
  scheduling now;
  if (::syscall(SYS_sched_getattr, thread, &now, sizeof now, 0U) != 0) return std::nullopt;
  return now;
}

bool scheduling::give_to(pid_t thread) const noexcept { return ::syscall(SYS_sched_setattr, thread, this, 0U) == 0; }

}  // namespace workit::detail
