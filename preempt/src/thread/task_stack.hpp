// The memory of a task's stack.
#pragma once

#include <cstddef>

#include "stack_walk.hpp"

namespace workit::preempt {

/// An anonymous mapping with a guard (guard_bytes) at its low end; its pages are committed as they are touched.
class guarded_stack {
 public:
  /// Errors: std::system_error when there is no memory.
  explicit guarded_stack(std::size_t bytes);
  ~guarded_stack();
  guarded_stack(guarded_stack&& other) noexcept;
  guarded_stack& operator=(guarded_stack&& other) noexcept;

  [[nodiscard]] stack_bounds bounds() const noexcept;
  /// Whether `address` is in the guard. Async-signal-safe.
  [[nodiscard]] bool guards(std::uintptr_t address) const noexcept;
  [[nodiscard]] void* top() const noexcept { return low_ + bytes_; }
  /// Makes it inaccessible: a read or write raises SIGSEGV.
  void forbid() noexcept;

 private:
  char* low_ = nullptr;  // of the guard
  std::size_t bytes_ = 0;
};

}  // namespace workit::preempt
