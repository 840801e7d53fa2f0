// kill_group: what the process behind a pidfd has started.
#pragma once

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace workit::workers {

/// SIGKILL to the process group that the process leads or has led; it may be dead, and no other group can have its
/// number. Kernels before 6.9 refuse that, and nothing happens.
inline void kill_group(int pidfd) noexcept {
  constexpr unsigned process_group = 1U << 2;  // PIDFD_SIGNAL_PROCESS_GROUP
  ::syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, process_group);
}

}  // namespace workit::workers
