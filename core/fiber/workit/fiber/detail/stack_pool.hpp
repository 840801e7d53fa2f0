// stack_pool: stacks for fibers: virtual memory in slabs, with a guard below each stack.
#pragma once

#include <boost/context/stack_context.hpp>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace workit::detail {

/// Threads: the owning loop's; span_of() any. Lifetime: outlives its stacks.
class stack_pool {
 public:
  /// `bytes` of each stack; rounded up to whole pages.
  explicit stack_pool(std::size_t bytes = stack_bytes);
  ~stack_pool();
  stack_pool(const stack_pool&) = delete;
  stack_pool& operator=(const stack_pool&) = delete;

  /// Errors: std::bad_alloc when the address space or the number of mappings is used up.
  [[nodiscard]] boost::context::stack_context take();
  void give_back(boost::context::stack_context stack) noexcept;

  /// The addresses of one stack, and of the guard below it.
  struct span {
    std::uintptr_t guard, low, high;
  };
  /// Of the stack of this pool that `inside` points into, or into whose guard. Async-signal-safe.
  [[nodiscard]] span span_of(const void* inside) const noexcept;
  /// Usable bytes of one stack.
  [[nodiscard]] std::size_t usable_bytes() const noexcept { return usable_bytes_; }

  /// Usable bytes of one stack by default, virtual: a page is committed when it is first touched.
  static constexpr std::size_t stack_bytes = 256 * 1024;

 private:
  void grow();

  const std::size_t usable_bytes_;
  const std::size_t slab_bytes_;  // and their alignment, by which the address of anything inside leads to its slab
  std::vector<void*> slabs_;
  std::vector<boost::context::stack_context> free_;
};

/// The handle that Boost.Context copies around.
class pooled_stack {
 public:
  explicit pooled_stack(stack_pool& pool) noexcept : pool_(&pool) {}
  boost::context::stack_context allocate() { return pool_->take(); }
  void deallocate(boost::context::stack_context& stack) noexcept { pool_->give_back(stack); }

 private:
  stack_pool* pool_;
};

}  // namespace workit::detail
