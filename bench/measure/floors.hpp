// What the kernel takes at least: the floors that stops and calls are compared with.
#pragma once

#include <vector>

namespace workit::bench {

/// Microseconds, one for each of n trials, in the order taken.
using samples = std::vector<double>;

/// tgkill(2) to the first instruction of the handler on a spinning thread of this process. Takes SIGUSR1.
[[nodiscard]] samples signal_to_handler(int n);

/// SIGKILL to so many spinning processes that hold `memory_mib` MiB each, until one expedited membarrier(2) for all has
/// returned.
[[nodiscard]] samples kills_to_proof(int victims, int memory_mib, int n);

/// The same, then a futex wake, until the process that slept runs: what a caller waits for at least whose processor the
/// dying may be on.
[[nodiscard]] samples kills_to_wake(int victims, int memory_mib, int n);

/// SIGKILL to a spinning process until waitpid(2) has returned: what a runtime takes that waits for the reap.
[[nodiscard]] samples kill_to_reaped(int memory_mib, int n);

/// FUTEX_WAKE to the first instruction of the process that was parked there.
[[nodiscard]] samples futex_wake_to_run(int n);

/// From the end of a computing thread's work, over an eventfd that wakes its caller, which works for 50 us then, as
/// long as leaving two scopes takes, to the first instruction of a parked thread that it wakes by FUTEX_WAKE
/// afterwards.
[[nodiscard]] samples wake_behind_a_caller(int n);

/// A word through shared memory to a parked process and back, both waiting by futex(2).
[[nodiscard]] samples futex_round_trip(int n);

/// Copying `bytes` bytes, both buffers touched before.
[[nodiscard]] samples copy_of(std::size_t bytes, int n);

}  // namespace workit::bench
