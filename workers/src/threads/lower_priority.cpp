// lower_priority: by one system call, or the older one.
#include "lower_priority.hpp"

#include <sys/resource.h>

#include <workit/base/detail/scheduling.hpp>

namespace workit::workers {
namespace {

constexpr int least_priority = 19;
constexpr std::uint64_t longest_slice = 100'000'000;  // ns; the kernel's limit
constexpr std::uint64_t keep_policy = 0x08;           // SCHED_FLAG_KEEP_POLICY

}  // namespace

void lower_priority(pid_t thread) noexcept {
  const workit::detail::scheduling wanted{.flags = keep_policy, .nice = least_priority, .slice = longest_slice};
  if (!wanted.give_to(thread)) ::setpriority(PRIO_PROCESS, static_cast<id_t>(thread), least_priority);
}

}  // namespace workit::workers
