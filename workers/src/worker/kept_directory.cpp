// kept_directory: see the header.
#include "kept_directory.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace workit::workers {

void kept_directory::open(const char* path) noexcept {
  directory_ = unique_fd(::open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!read(opened_)) directory_.reset();
}

std::optional<struct stat> kept_directory::look() const noexcept {
  struct stat now {};
  if (!directory_ || !read(now) || now.st_dev != opened_.st_dev || now.st_ino != opened_.st_ino) return std::nullopt;
  return now;
}

// Not fstat(3): since glibc 2.33 that is a system call with a path, which a sandbox refuses.
bool kept_directory::read(struct stat& at) const noexcept { return ::syscall(SYS_fstat, directory_.get(), &at) == 0; }

}  // namespace workit::workers
