// usable_cpus: how many processors this process may run on.
#pragma once

#include <sched.h>

#include <cstddef>

namespace workit::workers {

/// At least 1. Opens no file, unlike std::thread::hardware_concurrency(). Threads: any; as the calling one is pinned.
[[nodiscard]] inline std::size_t usable_cpus() noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  const int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  return count > 1 ? static_cast<std::size_t>(count) : 1;
}

}  // namespace workit::workers
