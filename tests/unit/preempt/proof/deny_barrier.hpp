// Makes membarrier(2) fail for the calling thread.
#pragma once

#include <sys/syscall.h>

#include <cerrno>
#include <support/refuse_call.hpp>
#include <system_error>

namespace workit::test {

/// From here on membarrier() fails with ENOSYS on the calling thread; it cannot be undone.
inline void deny_barrier_to_this_thread() {
  if (!refuse_call(SYS_membarrier, ENOSYS)) throw std::system_error(errno, std::system_category(), "seccomp");
}

}  // namespace workit::test
