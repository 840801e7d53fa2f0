// descriptor_counter: the size of /proc/self/fd, which is their number since Linux 6.2 (fs/proc/fd.c,
// proc_fd_getattr()), and 0 before.
#include "descriptor_counter.hpp"

#include <sys/eventfd.h>

namespace workit::workers {

void descriptor_counter::open() noexcept { descriptors_.open("/proc/self/fd"); }

unsigned descriptor_counter::count() const noexcept {
  const auto now = descriptors_.look();
  if (!now) return ~0U;
  return now->st_size > 0 ? static_cast<unsigned>(now->st_size) : lowest_free();
}

// An eventfd, because a sandboxed worker may not call dup(2).
unsigned descriptor_counter::lowest_free() noexcept {
  const unique_fd probe(::eventfd(0, EFD_CLOEXEC));
  return static_cast<unsigned>(probe.get());  // -1 is ~0
}

}  // namespace workit::workers
