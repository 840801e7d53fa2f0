// How the kernel schedules a thread: its policy, niceness and slice.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace workit::detail {

/// As sched_setattr(2) has it (SCHED_ATTR_SIZE_VER0); glibc has it only since 2.41. Threads: any.
struct scheduling {
  std::uint32_t size = sizeof(scheduling);
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t slice = 0;  ///< ns, of the normal policies since Linux 6.12; the budget of a deadline policy
  std::uint64_t deadline = 0, period = 0;

  /// Of that thread; 0 is the calling one. Nothing where the kernel does not tell.
  [[nodiscard]] static std::optional<scheduling> of(pid_t thread) noexcept;
  /// Whether the kernel has taken it for that thread.
  bool give_to(pid_t thread) const noexcept;
  friend bool operator==(const scheduling&, const scheduling&) noexcept = default;
};
static_assert(sizeof(scheduling) == 48);

}  // namespace workit::detail
