// The process beside a zygote that learns at once when the host dies.
#pragma once

#include <sys/types.h>

#include <workit/preempt/life_mutex.hpp>

namespace workit::workers {

/// What the host watcher sends to its zygote.
int host_death_signal() noexcept;

/// Forks it; only the child keeps `host` mapped. Returns its pid, or -1 with errno. Requires: a single-threaded
/// process.
[[nodiscard]] pid_t start_host_watcher(const preempt::life_mutex& host) noexcept;

}  // namespace workit::workers
