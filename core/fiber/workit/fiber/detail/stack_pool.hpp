// stack_pool: stacks for fibers: virtual memory in slabs, with a guard below each stack.
#pragma once

#include <boost/context/stack_context.hpp>
#include <cstddef>
#include <vector>

namespace workit::detail {

/// Threads: the owning loop's. Lifetime: outlives its stacks.
class stack_pool {
 public:
  stack_pool() = default;
  ~stack_pool();
  stack_pool(const stack_pool&) = delete;
  stack_pool& operator=(const stack_pool&) = delete;

  /// Errors: std::bad_alloc when the address space or the number of mappings is used up.
  [[nodiscard]] boost::context::stack_context take();
  void give_back(boost::context::stack_context stack) noexcept;

  /// Usable bytes of one stack, virtual: a page is committed when it is first touched.
  static constexpr std::size_t stack_bytes = 256 * 1024;

 private:
  void grow();

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
