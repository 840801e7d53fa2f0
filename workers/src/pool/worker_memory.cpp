// Memory by /proc/<pid>/statm: pages resident without those of files and shared memory (proc(5)).
#include "worker_memory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <workit/base/unique_fd.hpp>

namespace workit::workers {

std::uint64_t anonymous_memory_of(pid_t worker) noexcept {
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%d/statm", static_cast<int>(worker));
  const unique_fd file(::open(path, O_RDONLY | O_CLOEXEC));
  char line[128];
  const auto size = file ? ::read(file.get(), line, sizeof line - 1) : -1;
  if (size <= 0) return 0;
  line[size] = '\0';
  unsigned long long resident = 0, shared = 0;
  if (std::sscanf(line, "%*u %llu %llu", &resident, &shared) != 2) return 0;
  return (resident - std::min(resident, shared)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace workit::workers
