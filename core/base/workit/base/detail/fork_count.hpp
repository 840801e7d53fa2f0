// Tells a forked child from the process in which an object was made.
#pragma once

namespace workit::detail {

/// How many forks lie between this process and the first one that has asked: a child's is one more than its parent's.
/// fork(3) is seen, raw system calls are not. Blocks: no. Threads: any.
[[nodiscard]] unsigned fork_count() noexcept;

}  // namespace workit::detail
