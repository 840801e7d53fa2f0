// Large blocks of memory, kept for a while for the next that needs one: writing to memory that is there is several
// times faster than to memory that the kernel has to find and clear.
#pragma once

#include <cstddef>
#include <workit/base/clock.hpp>

namespace workit::workers {

/// From this size on a frame takes one of these.
inline constexpr std::size_t large_block_from = std::size_t{256} << 10;
/// Bytes that a process keeps at most.
inline constexpr std::size_t large_blocks_kept = std::size_t{512} << 20;

struct large_block {
  std::byte* data = nullptr;
  std::size_t size = 0;
};

/// A block of `size` bytes or more, unset. Threads: any. Errors: std::bad_alloc.
[[nodiscard]] large_block take_large_block(std::size_t size);
/// Keeps it for the next, where some are kept at all, or gives it back to the kernel. Threads: any.
void give_back_large_block(large_block block) noexcept;

/// While one of these lives, blocks are kept: each process pool has one in its host. In workers none is kept, since no
/// timer there would give them back.
class keeps_large_blocks {
 public:
  keeps_large_blocks() noexcept;
  ~keeps_large_blocks();
  keeps_large_blocks(const keeps_large_blocks&) = delete;
  keeps_large_blocks& operator=(const keeps_large_blocks&) = delete;
};

/// What is kept after a part was given back.
enum class kept_blocks { none, young, old };
/// Gives back a part, a MiB, of what has been kept since before `then`, so that the calling thread, the warden, is not
/// held up; `old` while there is more of that.
[[nodiscard]] kept_blocks give_back_large_blocks(time_point then) noexcept;

}  // namespace workit::workers
