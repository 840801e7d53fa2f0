// Files of memory under RLIMIT_FSIZE, which counts them too.
#pragma once

#include <cstdint>

namespace workit::detail {

/// Whether a file may become `size` bytes long by setrlimit(2)'s RLIMIT_FSIZE; otherwise errno is EFBIG. To be asked
/// first: the kernel answers a call that reaches beyond the limit with SIGXFSZ, which ends the process.
/// Threads: any. Blocks: no.
[[nodiscard]] bool may_have_size(std::uint64_t size) noexcept;

/// ftruncate(2) that fails with EFBIG there. False, and errno, when it failed.
[[nodiscard]] bool set_file_size(int descriptor, std::uint64_t size) noexcept;

}  // namespace workit::detail
