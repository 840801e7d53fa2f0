// Which of the calls that a sandbox holds back are benign: libraries look into certain files along the way.
#pragma once

#include <linux/seccomp.h>

namespace workit::workers {

/// Whether the caller wants to open, to read, a file that tells of processors, of memory, of the time zone or of the
/// locale. Such a call is answered with EACCES, and the library goes on with what it knows: for the number of
/// processors, sched_getaffinity(2); for a time zone that was not loaded before, UTC.
///
/// The name lies in the caller's memory, where another of its threads may change it after the look. That gains it
/// nothing: the answer is a refusal, the kernel does not run the call, and never reads the name. All that depends on it
/// is whether the task goes on after the refusal or ends by it. False where the name cannot be read. Blocks: no.
[[nodiscard]] bool is_benign(const seccomp_notif& held_back) noexcept;

}  // namespace workit::workers
