// shared_buffer: memory files, mapped and sealed.
#include <workit/workers/shared_buffer.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <workit/base/assert.hpp>

#include <workit/base/detail/file_limit.hpp>

namespace workit {
namespace {

constexpr int every_seal = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::system_category(), what); }

}  // namespace

shared_block::shared_block(std::size_t size)
    : file_(::memfd_create("workit-shared", MFD_CLOEXEC | MFD_ALLOW_SEALING)), size_(size) {
  if (!file_) fail("a shared buffer could not be created");
  if (!detail::set_file_size(file_.get(), size))
    fail(errno == EFBIG ? "a shared buffer is larger than a file may be by RLIMIT_FSIZE"
                        : "a shared buffer could not be sized");
  map(PROT_READ | PROT_WRITE);
}

shared_block::shared_block(unique_fd received) : file_(std::move(received)), sealed_(true) {
  const int seals = ::fcntl(file_.get(), F_GET_SEALS);
  constexpr int needed = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (seals < 0 || (seals & needed) != needed)
    throw wire_error("what came as a shared buffer can still be changed by its sender");
  struct stat about {};
  // Not fstat(3): since glibc 2.33 that is a system call with a path, which a sandbox refuses.
  if (::syscall(SYS_fstat, file_.get(), &about) != 0) fail("a shared buffer could not be looked at");
  size_ = static_cast<std::size_t>(about.st_size);
  map(PROT_READ);
}

shared_block::~shared_block() { unmap(); }

void shared_block::map(int protection) {
  if (size_ == 0) return;
  void* const at = ::mmap(nullptr, size_, protection, MAP_SHARED, file_.get(), 0);
  if (at == MAP_FAILED) fail("a shared buffer could not be mapped");
  data_ = static_cast<std::byte*>(at);
}

void shared_block::unmap() noexcept {
  if (data_ != nullptr) ::munmap(data_, size_);
  data_ = nullptr;
}

void shared_block::seal() {
  if (sealed_) return;
  unmap();  // a writable mapping forbids the seal
  if (::fcntl(file_.get(), F_ADD_SEALS, every_seal) != 0) fail("a shared buffer could not be sealed");
  sealed_ = true;
  map(PROT_READ);
}

shared_buffer::shared_buffer(std::size_t size) : block_(std::make_shared<shared_block>(size)) {}

std::byte* shared_buffer::writable() {
  WORKIT_ASSERT(!sealed(), "a shared buffer of " + std::to_string(size()) +
                               " bytes was written to after it was sent or sealed: make a new one");
  return block_ ? block_->data() : nullptr;
}

}  // namespace workit
