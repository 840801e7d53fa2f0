// The memory of a task, which is freed when the task has ended.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <workit/preempt/no_preempt_scope.hpp>

namespace workit::workers {

/// A pool of blocks over the heap. A task is never stopped in place inside of it, so it can always be freed.
class task_arena final : public std::pmr::memory_resource {
 public:
  /// Bytes that it holds now.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return heap_.bytes; }
  /// Frees everything.
  void release() { pool_.release(); }

 private:
  /// Counts on the way to operator new.
  struct counted_heap final : std::pmr::memory_resource {
    void* do_allocate(std::size_t size, std::size_t alignment) override {
      void* const p = std::pmr::new_delete_resource()->allocate(size, alignment);
      bytes += size;
      return p;
    }
    void do_deallocate(void* p, std::size_t size, std::size_t alignment) override {
      bytes -= size;
      std::pmr::new_delete_resource()->deallocate(p, size, alignment);
    }
    [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
    std::uint64_t bytes = 0;
  };

  void* do_allocate(std::size_t size, std::size_t alignment) override {
    const no_preempt_scope whole;
    return pool_.allocate(size, alignment);
  }
  void do_deallocate(void* p, std::size_t size, std::size_t alignment) override {
    const no_preempt_scope whole;
    pool_.deallocate(p, size, alignment);
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  counted_heap heap_;
  std::pmr::unsynchronized_pool_resource pool_{&heap_};
};

}  // namespace workit::workers
