// What a worker reports as a signal kills it: the signal, the address of the fault, and a backtrace.
#pragma once

#include <atomic>
#include <cstdint>
#include <workit/workers/detail/control_block.hpp>

#include "payload.hpp"

namespace workit::workers {

/// From now on a fatal signal (SEGV, BUS, FPE, ILL, ABRT, TRAP) writes a backtrace into `content` and the rest into its
/// control block, wakes the loop behind `loop_event` (-1: none), and then takes its default action. Works when the
/// stack has overflown. The host thus learns of the crash before the kernel frees the process's memory, which for
/// gigabytes is long before there is an exit status. Lifetime: both arguments are valid until the process ends.
void report_crashes_in(const payload& content, const std::atomic<int>& loop_event) noexcept;

}  // namespace workit::workers
