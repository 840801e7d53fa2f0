// A worker's last words: the number of the signal that kills it.
#pragma once

#include <atomic>
#include <cstdint>

namespace workit::workers {

/// From now on a fatal signal (SEGV, BUS, FPE, ILL, ABRT, TRAP) stores its number in `note` and then does what it does
/// by default. Works on an overflown stack. The number is there before the kernel takes the process apart, which the
/// exit status is not.
void note_crashes_in(std::atomic<std::int32_t>& note) noexcept;

}  // namespace workit::workers
