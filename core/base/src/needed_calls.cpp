// needed_calls: see the header.
#include <workit/base/detail/needed_calls.hpp>

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <workit/base/errors.hpp>

namespace workit::detail {

void require_calls(std::span<const needed_call> all, const char* user) {
  std::string refused;
  for (const auto& call : all) {
    const auto& with = call.harmless;
    errno = 0;
    if (::syscall(call.number, with[0], with[1], with[2], with[3], with[4]) >= 0) continue;
    if (errno != EPERM && errno != ENOSYS) continue;
    refused += std::string(refused.empty() ? "" : ", ") + call.name + " (" + std::strerror(errno) + ")";
  }
  if (!refused.empty())
    throw start_failed(std::string(user) + " needs system calls that this process may not make: " + refused +
                       ". Allow them in the seccomp profile of the container; Linux 5.10 has them all");
}

}  // namespace workit::detail
