// block_pool: memory for tasks, of which a loop makes and ends hundreds of thousands a second, all of a few sizes.
#pragma once

#include <array>
#include <cstddef>
#include <memory>

namespace workit::detail {

/// Blocks that are used again, the last one first, since that one is still in the cache. Each is the heap's own, so
/// that any thread that drops the last handle of a task can give its block to the heap.
/// Threads: the owning loop's.
class block_pool {
 public:
  block_pool() = default;
  ~block_pool();
  block_pool(const block_pool&) = delete;
  block_pool& operator=(const block_pool&) = delete;

  /// Errors: std::bad_alloc.
  [[nodiscard]] void* take(std::size_t bytes);
  /// `bytes` as taken, from this pool or any other.
  void give_back(void* block, std::size_t bytes) noexcept;

  /// Blocks are of the heap's sizes: 8 bytes more than a multiple of this.
  static constexpr std::size_t step = 16;
  /// Larger ones come from the heap, and go there.
  static constexpr std::size_t largest_block = 504;
  /// What the pool keeps at most; beyond that blocks go to the heap.
  static constexpr std::size_t most_bytes = std::size_t{1} << 20;
  /// What it keeps now.
  [[nodiscard]] std::size_t kept_bytes() const noexcept { return kept_; }

 private:
  struct free_block {
    free_block* next;
  };
  std::array<free_block*, largest_block / step + 1> free_{};  // by size
  std::size_t kept_ = 0;
};

/// From the pool of the loop whose thread this is; elsewhere from the heap.
[[nodiscard]] void* take_block(std::size_t bytes);
void give_block(void* block, std::size_t bytes) noexcept;

/// The same for std::allocate_shared.
template <class T>
struct block_allocator {
  using value_type = T;
  block_allocator() = default;
  template <class U>
  block_allocator(const block_allocator<U>&) noexcept {}  // NOLINT: allocators convert

  [[nodiscard]] T* allocate(std::size_t n) {
    if constexpr (fits)
      return static_cast<T*>(take_block(n * sizeof(T)));
    else
      return std::allocator<T>{}.allocate(n);
  }
  void deallocate(T* block, std::size_t n) noexcept {
    if constexpr (fits)
      give_block(block, n * sizeof(T));
    else
      std::allocator<T>{}.deallocate(block, n);
  }
  friend bool operator==(block_allocator, block_allocator) noexcept { return true; }

 private:
  static constexpr bool fits = alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__;
};

}  // namespace workit::detail
