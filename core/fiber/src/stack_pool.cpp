// Stacks for fibers. The guard is a hole in the page tables where the kernel has that (MADV_GUARD_INSTALL, Linux 6.13),
// else unreadable pages: those are mappings of their own, and vm.max_map_count ends them at about 32,000.
#include <workit/fiber/detail/stack_pool.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <new>
#include <workit/base/assert.hpp>

#include <workit/base/detail/guarded_stacks.hpp>
#include "sanitizer_switch.hpp"

namespace workit::detail {
namespace {

constexpr int madv_guard_install = 102;  // include/uapi/asm-generic/mman-common.h
constexpr std::size_t page_bytes = 4096;
constexpr std::size_t least_slab = std::size_t{4} << 20;

constexpr std::size_t whole_pages(std::size_t bytes) noexcept {
  return (bytes + page_bytes - 1) / page_bytes * page_bytes;
}

void guard(void* low) {
  if (madvise(low, guard_bytes, madv_guard_install) == 0) return;
  if (mprotect(low, guard_bytes, PROT_NONE) != 0) throw std::bad_alloc();
}

/// Address space that begins at a multiple of its size, without access.
char* reserve_aligned(std::size_t bytes) {
  void* const all = mmap(nullptr, 2 * bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (all == MAP_FAILED) throw std::bad_alloc();
  auto* const from = static_cast<char*>(all);
  const auto before = -reinterpret_cast<std::uintptr_t>(from) % bytes;
  if (before != 0) munmap(from, before);
  munmap(from + before + bytes, bytes - before);
  return from + before;
}

}  // namespace

// AddressSanitizer's red zones make frames several times as large.
stack_pool::stack_pool(std::size_t bytes)
    : usable_bytes_(whole_pages(bytes) * (has_address_sanitizer ? 4 : 1)),
      slab_bytes_(std::max(least_slab, std::bit_ceil(usable_bytes_ + guard_bytes))) {}

stack_pool::~stack_pool() {
  WORKIT_ASSERT(free_.size() == slabs_.size() * (slab_bytes_ / (usable_bytes_ + guard_bytes)),
                "a loop ended while a fiber still had its stack: every scope has to be closed first");
  for (void* slab : slabs_) {
    forget_frames(slab, slab_bytes_);
    munmap(slab, slab_bytes_);
  }
}

void stack_pool::grow() {
  const auto slot_bytes = usable_bytes_ + guard_bytes;
  const auto slots = slab_bytes_ / slot_bytes;
  slabs_.reserve(slabs_.size() + 1);
  free_.reserve((slabs_.size() + 1) * slots);
  auto* const slab = reserve_aligned(slab_bytes_);
  slabs_.push_back(slab);
  struct undo {
    stack_pool* of;
    ~undo() {
      if (of == nullptr) return;
      munmap(of->slabs_.back(), of->slab_bytes_);
      of->slabs_.pop_back();
    }
  } on_failure{this};
  if (mprotect(slab, slots * slot_bytes, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
  madvise(slab, slab_bytes_, MADV_NOHUGEPAGE);  // a huge page would commit 2 MiB for a stack that uses a few KiB
  for (std::size_t i = 0; i < slots; ++i) guard(slab + i * slot_bytes);
  for (std::size_t i = 0; i < slots; ++i) {
    boost::context::stack_context stack;
    stack.size = usable_bytes_;
    stack.sp = slab + (i + 1) * slot_bytes;  // grows down, towards the guard
    free_.push_back(stack);
  }
  on_failure.of = nullptr;
}

boost::context::stack_context stack_pool::take() {
  if (free_.empty()) grow();
  auto stack = free_.back();
  free_.pop_back();
  forget_frames(static_cast<char*>(stack.sp) - stack.size, stack.size);
  return stack;
}

void stack_pool::give_back(boost::context::stack_context stack) noexcept { free_.push_back(stack); }

stack_pool::span stack_pool::span_of(const void* inside) const noexcept {
  const auto at = reinterpret_cast<std::uintptr_t>(inside);
  const auto slot_bytes = usable_bytes_ + guard_bytes;
  const auto slab = at & ~(slab_bytes_ - 1);
  const auto first = slab + (at - slab) / slot_bytes * slot_bytes;
  return {first, first + guard_bytes, first + slot_bytes};
}

}  // namespace workit::detail
