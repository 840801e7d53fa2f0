// A worker's last words: the signal that kills it, the address of its fault, and where it was.
#pragma once

#include <atomic>
#include <cstdint>
#include <workit/workers/detail/control_block.hpp>

#include "payload.hpp"

namespace workit::workers {

/// From now on a fatal signal (SEGV, BUS, FPE, ILL, ABRT, TRAP) writes a backtrace into `content` and the rest into its
/// control block, adds 1 to the eventfd `bell` (-1: none), and then does what it does by default. Works on an overflown
/// stack. So the host knows before the kernel takes the process apart, which for gigabytes of memory is long before
/// there is an exit status. Lifetime: both arguments are the process's.
void note_crashes_in(const payload& content, const std::atomic<int>& bell) noexcept;

}  // namespace workit::workers
