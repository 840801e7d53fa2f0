// Stacks for fibers. The guard is a hole in the page tables where the kernel has that (MADV_GUARD_INSTALL, Linux 6.13),
// else an unreadable page: those are mappings of their own, and vm.max_map_count ends them at about 32,000.
#include <workit/fiber/detail/stack_pool.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <new>
#include <workit/base/assert.hpp>

#include "sanitizer_switch.hpp"

namespace workit::detail {
namespace {

constexpr int madv_guard_install = 102;  // include/uapi/asm-generic/mman-common.h
constexpr std::size_t guard_bytes = 4096;
// AddressSanitizer's red zones make frames several times as large.
constexpr std::size_t usable_bytes = stack_pool::stack_bytes * (frames_are_large ? 4 : 1);
constexpr std::size_t slot_bytes = usable_bytes + guard_bytes;
constexpr std::size_t slots_per_slab = 16;

void guard(void* page) {
  if (madvise(page, guard_bytes, madv_guard_install) == 0) return;
  if (mprotect(page, guard_bytes, PROT_NONE) != 0) throw std::bad_alloc();
}

}  // namespace

stack_pool::~stack_pool() {
  WORKIT_ASSERT(free_.size() == slabs_.size() * slots_per_slab,
                "a loop ended while a fiber still had its stack: every scope has to be closed first");
  for (void* slab : slabs_) {
    forget_frames(slab, slot_bytes * slots_per_slab);
    munmap(slab, slot_bytes * slots_per_slab);
  }
}

void stack_pool::grow() {
  void* slab = mmap(nullptr, slot_bytes * slots_per_slab, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (slab == MAP_FAILED) throw std::bad_alloc();
  slabs_.push_back(slab);
  free_.reserve(slabs_.size() * slots_per_slab);
  for (std::size_t i = 0; i < slots_per_slab; ++i) {
    auto* bottom = static_cast<char*>(slab) + i * slot_bytes;
    guard(bottom);
    boost::context::stack_context stack;
    stack.size = usable_bytes;
    stack.sp = bottom + slot_bytes;  // grows down, towards the guard
    free_.push_back(stack);
  }
}

boost::context::stack_context stack_pool::take() {
  if (free_.empty()) grow();
  auto stack = free_.back();
  free_.pop_back();
  forget_frames(static_cast<char*>(stack.sp) - stack.size, stack.size);
  return stack;
}

void stack_pool::give_back(boost::context::stack_context stack) noexcept { free_.push_back(stack); }

}  // namespace workit::detail
