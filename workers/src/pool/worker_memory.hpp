// How much memory a worker has to itself.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace workit::workers {

/// Bytes of its resident anonymous memory, that which it shares copy-on-write among them; 0 when nobody can tell.
/// Blocks: no; one file of /proc, some microseconds.
[[nodiscard]] std::uint64_t anonymous_memory_of(pid_t worker) noexcept;

}  // namespace workit::workers
