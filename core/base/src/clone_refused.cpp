// clone_refused: see the header.
#include <workit/base/clone_refused.hpp>

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace workit {

std::string_view why_clone_refused(int error) noexcept {
#ifdef SYS_clone3
  // Without arguments it makes nothing: a kernel that has it answers EINVAL, one that has not ENOSYS.
  if (error == EPERM && ::syscall(SYS_clone3, nullptr, 0) < 0 && errno == EPERM)
    return "a seccomp filter answers clone3 with EPERM, and the C library tries the older clone only after ENOSYS: "
           "update the container runtime (Docker from 20.10.10 on), or run with another seccomp profile";
#endif
  return {};
}

}  // namespace workit
