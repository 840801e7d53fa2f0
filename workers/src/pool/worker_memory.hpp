// How much memory a worker has to itself.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace workit::workers {

/// Bytes of its resident anonymous memory, shared copy-on-write pages included; 0 when /proc does not tell.
/// Blocks: no; one file of /proc, some microseconds.
[[nodiscard]] std::uint64_t anonymous_memory_of(pid_t worker) noexcept;

}  // namespace workit::workers
