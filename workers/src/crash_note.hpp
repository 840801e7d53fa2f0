// A worker's last words: the number of the signal that kills it.
#pragma once

#include <atomic>
#include <cstdint>

namespace workit::workers {

/// From now on a fatal signal (SEGV, BUS, FPE, ILL, ABRT, TRAP) stores its number in `note`, adds 1 to the eventfd
/// `bell`
/// (-1: none), and then does what it does by default. Works on an overflown stack. So the host knows before the kernel
/// takes the process apart, which for gigabytes of memory is long before there is an exit status.
void note_crashes_in(std::atomic<std::int32_t>& note, const std::atomic<int>& bell) noexcept;

}  // namespace workit::workers
