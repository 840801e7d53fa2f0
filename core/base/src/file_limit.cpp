// file_limit: asking before the kernel signals.
#include <workit/base/detail/file_limit.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>

namespace workit::detail {

bool may_have_size(std::uint64_t size) noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || size <= limit.rlim_cur) return true;
  errno = EFBIG;
  return false;
}

bool set_file_size(int descriptor, std::uint64_t size) noexcept {
  return may_have_size(size) && ::ftruncate(descriptor, static_cast<off_t>(size)) == 0;
}

}  // namespace workit::detail
