// handler_stack: the stack on which a loop runs handlers, timers and posted work.
#pragma once

#include <boost/context/fiber.hpp>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <workit/fiber/detail/stack_pool.hpp>

#include "sanitizer_switch.hpp"

namespace workit::detail {

/// Boost.Fiber gives its dispatcher, which drives the loop, 128 KiB of the heap without a guard: a handler that
/// overflows those would overwrite the heap. This one is a stack like any fiber's. Threads: the loop's, or the one that
/// ends it.
class handler_stack {
 public:
  explicit handler_stack(stack_pool& stacks) noexcept : stacks_(stacks) {}
  handler_stack(const handler_stack&) = delete;
  handler_stack& operator=(const handler_stack&) = delete;

  /// Calls `work` there; it neither suspends nor throws. Errors: std::bad_alloc, for the stack, by the first call.
  template <class Work>
  void run(Work&& work) {
    work_ = [](void* of) { (*static_cast<std::remove_reference_t<Work>*>(of))(); };
    argument_ = std::addressof(work);
    if (!there_) there_ = boost::context::fiber(std::allocator_arg, pooled_stack(stacks_), entry{this});
    there_ = std::move(there_).resume();
    arrive_on_stack(__builtin_frame_address(0));
  }
  /// Gives the stack back.
  void end() {
    if (!there_) return;
    ending_ = true;
    there_ = std::move(there_).resume();
    ending_ = false;
    inside_ = nullptr;
  }
  /// An address on it, which is used while work runs; null before the first. Async-signal-safe.
  [[nodiscard]] const void* inside() const noexcept { return inside_; }

 private:
  struct entry {
    handler_stack* self;
    boost::context::fiber operator()(boost::context::fiber&& caller) const noexcept {
      forget_entry();
      self->inside_ = __builtin_frame_address(0);
      while (!self->ending_) {
        arrive_on_stack(__builtin_frame_address(0), &self->stacks_);
        self->work_(self->argument_);
        caller = std::move(caller).resume();
      }
      return std::move(caller);
    }
  };

  stack_pool& stacks_;
  boost::context::fiber there_;
  void (*work_)(void*) = nullptr;
  void* argument_ = nullptr;
  bool ending_ = false;
  const void* inside_ = nullptr;
};

}  // namespace workit::detail
