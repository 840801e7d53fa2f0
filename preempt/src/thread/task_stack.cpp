// task_stack: see the header.
#include "task_stack.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>
#include <workit/base/detail/guarded_stacks.hpp>

namespace workit::preempt {
namespace {

std::size_t page() noexcept { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

}  // namespace

using detail::guard_bytes;

guarded_stack::guarded_stack(std::size_t bytes) : bytes_((bytes + page() - 1) / page() * page() + guard_bytes) {
  void* const at =
      ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (at == MAP_FAILED) throw std::system_error(errno, std::system_category(), "no memory for the stack of a task");
  low_ = static_cast<char*>(at);
  ::mprotect(low_, guard_bytes, PROT_NONE);
}

guarded_stack::~guarded_stack() {
  if (low_ != nullptr) ::munmap(low_, bytes_);
}

guarded_stack::guarded_stack(guarded_stack&& other) noexcept
    : low_(std::exchange(other.low_, nullptr)), bytes_(other.bytes_) {}

guarded_stack& guarded_stack::operator=(guarded_stack&& other) noexcept {
  std::swap(low_, other.low_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

stack_bounds guarded_stack::bounds() const noexcept {
  const auto low = reinterpret_cast<std::uintptr_t>(low_);
  return {low + guard_bytes, low + bytes_};
}

bool guarded_stack::guards(std::uintptr_t address) const noexcept {
  const auto low = reinterpret_cast<std::uintptr_t>(low_);
  return address >= low && address < low + guard_bytes;
}

void guarded_stack::forbid() noexcept { ::mprotect(low_, bytes_, PROT_NONE); }

}  // namespace workit::preempt
