// sandbox: installs the filters on all threads of a worker.
#include <workit/workers/sandbox.hpp>

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <vector>

#include "filter_program.hpp"
#include "sandbox_filter.hpp"

namespace workit::workers {
namespace {

#if defined(__x86_64__)
constexpr bool has_programs = true;
#else
constexpr bool has_programs = false;
#endif

void drop_capabilities() noexcept {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[2]{};
  ::syscall(SYS_capset, &header, none);
}

/// What seccomp(2) returns; -1 with errno.
int install(std::vector<sock_filter> code, unsigned flags) noexcept {
  if (code.empty()) {
    errno = ENOSYS;
    return -1;
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  return static_cast<int>(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program));
}

}  // namespace

int enter_compute_only(std::initializer_list<int> sockets) noexcept try {
  drop_capabilities();
  return install(compute_only_program(sockets),
                 SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH);
} catch (const std::bad_alloc&) {
  errno = ENOMEM;
  return -1;
}

bool forbid_children() noexcept try {
  return install(no_children_program(), SECCOMP_FILTER_FLAG_TSYNC) == 0;
} catch (const std::bad_alloc&) {
  errno = ENOMEM;
  return false;
}

std::string missing_for_no_children() {
  if (!has_programs) return "its seccomp filter is written for x86-64 only";
  const unsigned action = SECCOMP_RET_ERRNO;
  if (::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0) return {};
  return "it takes a seccomp filter, and the kernel has none, or does not let us use it (seccomp: " +
         std::string(std::strerror(errno)) + "): leave the limit out, or bound processes by a cgroup";
}

std::string missing_for_sandbox() {
  if (!has_programs) return "its list of system calls is written for x86-64 only";
  const unsigned action = SECCOMP_RET_USER_NOTIF;
  if (::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0) return {};
  return "the kernel has no user notification of system calls (Linux 5.7), or does not let us use it: " +
         std::string(std::strerror(errno));
}

}  // namespace workit::workers
