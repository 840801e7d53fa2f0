// host_life_file: a page of shared memory with one life mutex in it.
#include "host_life_file.hpp"

#include <sys/mman.h>

#include <new>

#include <workit/base/detail/file_limit.hpp>
#include "system_call.hpp"

namespace workit::preempt {

host_life_file::host_life_file() : file_(checked(::memfd_create("workit-host-life", MFD_CLOEXEC), "memfd_create")) {
  checked(detail::set_file_size(file_.get(), sizeof(life_mutex)) ? 0 : -1, "ftruncate of the host-life file");
  void* page = ::mmap(nullptr, sizeof(life_mutex), PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0);
  checked(page == MAP_FAILED ? -1 : 0, "mmap of the host-life file");
  mutex_ = new (page) life_mutex;
}

host_life_file::~host_life_file() { ::munmap(mutex_, sizeof(life_mutex)); }

}  // namespace workit::preempt
