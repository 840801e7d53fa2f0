// The seccomp filters that a worker installs on itself, for good.
#pragma once

#include <initializer_list>
#include <string>

namespace workit::workers {

/// sandbox::compute_only, on all threads of this process. `sockets`: those on which packets can still be sent and
/// received.
/// Returns the descriptor on which the kernel announces each forbidden call (seccomp_unotify(2)), for another process
/// to read; the caller of the call waits until that one has answered or killed it, and with the descriptor closed it
/// gets ENOSYS. -1 with errno when the kernel refuses.
[[nodiscard]] int enter_compute_only(std::initializer_list<int> sockets) noexcept;

/// From now on fork(2) and its kind fail with EAGAIN; threads do not. False with errno when the kernel refuses.
[[nodiscard]] bool forbid_children() noexcept;

/// Whether the kernel has what that takes; else the end of a sentence that says what is missing and what to do.
[[nodiscard]] std::string missing_for_no_children();

}  // namespace workit::workers
