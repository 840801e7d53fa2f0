// Keeps OpenBLAS on the calling thread.
#pragma once

namespace chat {

/// From here on OpenBLAS computes on whichever thread calls it, and its own helper threads have ended. For the whole
/// process, and again after every call: repeating it is cheap.
/// Blocks: until the helper threads have ended, well under a millisecond.
/// Threads: any, while no other thread is inside OpenBLAS.
/// Errors: none (noexcept).
void use_calling_thread_only() noexcept;

}  // namespace chat
