// payload: what fits the mapping costs no system call; what does not goes through the file, and is mapped for the next.
#include "payload.hpp"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace workit::workers {
namespace {

ino_t inode_of(int descriptor) noexcept {
  struct stat about {};
  // Not fstat(3): since glibc 2.33 that is a system call with a path, which a sandbox refuses.
  return ::syscall(SYS_fstat, descriptor, &about) == 0 ? about.st_ino : 0;
}

}  // namespace

payload::payload(int descriptor) noexcept : descriptor_(descriptor), inode_(inode_of(descriptor)) {
  constexpr int read_write = PROT_READ | PROT_WRITE;
  void* page = ::mmap(nullptr, payload_offset, read_write, MAP_SHARED, descriptor, 0);
  void* content = ::mmap(nullptr, first_payload, read_write, MAP_SHARED, descriptor, payload_offset);
  if (page == MAP_FAILED || content == MAP_FAILED) return;
  control_ = static_cast<control_block*>(page);
  content_ = static_cast<std::byte*>(content);
  size_ = first_payload;
}

bool payload::map(std::size_t size) noexcept {
  if (size <= size_) return true;
  void* moved = ::mremap(content_, size_, size, MREMAP_MAYMOVE);
  if (moved == MAP_FAILED) return false;
  content_ = static_cast<std::byte*>(moved);
  size_ = size;
  return true;
}

std::span<const std::byte> payload::view(std::size_t size) {
  if (!map(size)) throw std::system_error(errno, std::system_category(), "the arguments could not be mapped (mremap)");
  return {content_, size};
}

void payload::write(std::span<const std::byte> frame) {
  if (frame.data() == content_) return;
  if (frame.size() <= size_) {
    if (!frame.empty()) std::memcpy(content_, frame.data(), frame.size());
    return;
  }
  if (frame.size() > largest_payload)
    throw std::system_error(EMSGSIZE, std::system_category(),
                            "the result of " + std::to_string(frame.size()) + " bytes is larger than 2 GiB");
  if (!descriptor_intact())
    throw std::system_error(EBADF, std::system_category(), "the task closed the descriptor of its large result");
  for (std::size_t done = 0; done < frame.size();) {
    const auto n =
        ::pwrite(descriptor_, frame.data() + done, frame.size() - done, static_cast<off_t>(payload_offset + done));
    if (n > 0)
      done += static_cast<std::size_t>(n);
    else if (errno != EINTR)
      throw std::system_error(errno, std::system_category(), "the result could not be written");
  }
  static_cast<void>(map(frame.size()));  // so that the next one of that size is written in place
}

bool payload::descriptor_intact() const noexcept { return inode_of(descriptor_) == inode_; }

}  // namespace workit::workers
