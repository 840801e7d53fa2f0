// lower_priority: sched_setattr(2), which glibc did not wrap before 2.41.
#include "lower_priority.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace workit::workers {
namespace {

constexpr int least_priority = 19;
constexpr std::uint64_t longest_slice = 100'000'000;  // ns; the kernel's limit
constexpr std::uint64_t keep_policy = 0x08;           // SCHED_FLAG_KEEP_POLICY

/// As sched_setattr(2) has it; libc's headers have it only since glibc 2.41.
struct scheduling {
  std::uint32_t size = sizeof(scheduling);
  std::uint32_t policy = 0;
  std::uint64_t flags = keep_policy;
  std::int32_t nice = least_priority;
  std::uint32_t priority = 0;
  std::uint64_t slice = longest_slice;
  std::uint64_t deadline = 0, period = 0;
};
static_assert(sizeof(scheduling) == 48, "SCHED_ATTR_SIZE_VER0");

}  // namespace

void lower_priority(pid_t thread) noexcept {
  const scheduling wanted;
  if (::syscall(SYS_sched_setattr, thread, &wanted, 0U) != 0)
    ::setpriority(PRIO_PROCESS, static_cast<id_t>(thread), least_priority);
}

}  // namespace workit::workers
