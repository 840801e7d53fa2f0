// benign_syscall: see the header for why a look at the caller's memory does no harm.
#include "benign_syscall.hpp"

#include <fcntl.h>
#include <linux/audit.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace workit::workers {

#if defined(__x86_64__)
namespace {

constexpr std::string_view files[] = {"/proc/cpuinfo",     "/proc/meminfo",        "/proc/stat",
                                      "/proc/self/cgroup", "/proc/self/mountinfo", "/etc/localtime"};
constexpr std::string_view folders[] = {"/sys/devices/system/cpu/", "/sys/devices/system/node/",
                                        "/sys/fs/cgroup/",          "/sys/kernel/mm/transparent_hugepage/",
                                        "/usr/lib/locale/",         "/usr/share/locale/",
                                        "/usr/share/zoneinfo/"};

constexpr std::uint64_t longest_name = 256;
constexpr std::uint64_t page = 4096;

/// The name at that address of another process, cut; empty when it cannot be read. In two pieces, since the page behind
/// its last may not be there.
std::string_view read_name(pid_t from, std::uint64_t at, char (&room)[longest_name]) noexcept {
  const auto first = std::min(longest_name, page - at % page);
  const iovec here{room, longest_name};
  const iovec there[] = {{reinterpret_cast<void*>(at), first},  // NOLINT(performance-no-int-to-ptr)
                         {reinterpret_cast<void*>(at + first), longest_name - first}};  // NOLINT
  const auto size = ::process_vm_readv(from, &here, 1, there, longest_name > first ? 2 : 1, 0);
  if (size <= 0) return {};
  const auto length = ::strnlen(room, static_cast<std::size_t>(size));
  return length < static_cast<std::size_t>(size) ? std::string_view(room, length) : std::string_view();
}

}  // namespace

bool is_benign(const seccomp_notif& held_back) noexcept {
#ifdef WORKIT_WITHOUT_BENIGN_SYSCALLS
  return false;
#endif
  const auto& call = held_back.data;
  if (call.arch != AUDIT_ARCH_X86_64) return false;
  const bool at = call.nr == SYS_openat;
  if (!at && call.nr != SYS_open) return false;
  const auto flags = static_cast<int>(call.args[at ? 2 : 1]);
  if ((flags & (O_ACCMODE | O_CREAT | O_TRUNC)) != O_RDONLY) return false;
  char room[longest_name] = {};
  const auto name = read_name(static_cast<pid_t>(held_back.pid), call.args[at ? 1 : 0], room);
  return std::ranges::find(files, name) != std::end(files) ||
         std::ranges::any_of(folders, [&](std::string_view folder) { return name.starts_with(folder); });
}

#else

bool is_benign(const seccomp_notif&) noexcept { return false; }

#endif

}  // namespace workit::workers
