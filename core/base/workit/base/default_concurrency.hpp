// default_concurrency: how many tasks compute at once where the program does not say.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace workit {

/// One for each processor that the process could use at its start, but no more than its CPU quota pays for, rounded up;
/// at least 1. Blocks: reads files of /proc and of the process's cgroups. Threads: any.
[[nodiscard]] std::size_t default_concurrency();

namespace detail {

/// How many processors' worth of time the cgroups of this process may take, the least of its own and those above
/// (cpu.max of v2, cpu.cfs_quota_us of v1); nothing without a limit. Blocks: reads files. Threads: any.
[[nodiscard]] std::optional<double> cpu_quota(const std::string& proc = "/proc");

}  // namespace detail
}  // namespace workit
