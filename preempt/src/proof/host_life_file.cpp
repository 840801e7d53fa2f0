// host_life_file: see the header for its invariants. Source for the seals: fcntl(2), F_ADD_SEALS.
#include "host_life_file.hpp"

#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>

#include <new>
#include <utility>
#include <workit/base/detail/file_limit.hpp>

#include "system_call.hpp"

namespace workit::preempt {
namespace {

constexpr std::size_t page_size = 4096;
constexpr std::size_t file_size = host_life_file::places * host_life_file::stride;
static_assert(file_size % page_size == 0 && page_size % host_life_file::stride == 0);
static_assert(sizeof(life_mutex) <= host_life_file::stride);

}  // namespace

std::shared_ptr<host_life_file> host_life_file::make() {
  return std::shared_ptr<host_life_file>(new host_life_file);  // its constructor is private
}

host_life_file::host_life_file()
    : file_(checked(::memfd_create("workit-host-life", MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd_create")) {
  checked(detail::set_file_size(file_.get(), file_size) ? 0 : -1, "ftruncate of the host-life file");
  void* memory = ::mmap(nullptr, file_size, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0);
  checked(memory == MAP_FAILED ? -1 : 0, "mmap of the host-life file");
  memory_ = static_cast<std::byte*>(memory);
  for (std::size_t i = 0; i < places; ++i) new (memory_ + i * stride) life_mutex;
  // Our own mapping stays writable; every later one, and every write(2), is refused.
  constexpr int seals = F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  if (::fcntl(file_.get(), F_ADD_SEALS, seals) == 0) return;
  const int why = errno;
  ::munmap(memory_, file_size);
  throw std::system_error(why, std::system_category(), "sealing the host-life file (fcntl F_ADD_SEALS, Linux 5.1)");
}

host_life_file::~host_life_file() { ::munmap(memory_, file_size); }

void host_life_file::hold() {
  for (std::size_t i = 0; i < places; ++i) at(i).hold();
}

void host_life_file::release() {
  for (std::size_t i = 0; i < places; ++i) at(i).release();
}

host_life_place host_life_file::take() {
  const thread_lock lock(mutex_);
  for (std::size_t i = 0; i < places; ++i) {
    if (taken_[i]) continue;
    taken_[i] = true;
    return {shared_from_this(), i};
  }
  throw std::system_error(EUSERS, std::system_category(),
                          "all " + std::to_string(places) + " places of the host-life file are taken");
}

life_mutex& host_life_file::at(std::size_t index) const noexcept {
  return *reinterpret_cast<life_mutex*>(memory_ + index * stride);
}

void host_life_file::give_back(std::size_t index) noexcept {
  const thread_lock lock(mutex_);
  taken_[index] = false;
}

host_life_place::host_life_place(std::shared_ptr<host_life_file> file, std::size_t index) noexcept
    : file_(std::move(file)), index_(index) {}

host_life_place& host_life_place::operator=(host_life_place&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(index_, other.index_);
  return *this;
}

host_life_place::~host_life_place() {
  if (file_ != nullptr) file_->give_back(index_);
}

int host_life_place::descriptor() const noexcept { return file_ != nullptr ? file_->descriptor() : -1; }

std::size_t host_life_place::offset() const noexcept { return index_ * host_life_file::stride; }

host_life_view::host_life_view(int descriptor, std::size_t offset) noexcept {
  const std::size_t in_page = offset % page_size;
  void* page = ::mmap(nullptr, page_size, PROT_READ, MAP_SHARED, descriptor, static_cast<off_t>(offset - in_page));
  if (page == MAP_FAILED) return;
  page_ = page;
  mutex_ = &life_mutex::at(static_cast<const std::byte*>(page) + in_page);
}

host_life_view::~host_life_view() {
  if (page_ != nullptr) ::munmap(page_, page_size);
}

}  // namespace workit::preempt
