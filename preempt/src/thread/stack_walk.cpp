// stack_walk: see the header for what it promises. The state of a walk belongs to its caller; there are no locks.
#include "stack_walk.hpp"

#include <unwind.h>

#include <workit/preempt/thread_mark.hpp>

#include "code_map.hpp"
#include "stack_switch.hpp"

namespace workit::preempt {
namespace {

/// Sees the frames from the innermost outwards. The task may be left when all of them are its own. Else the place to
/// stop at is the return from the outermost foreign frame, whose address the task's frame above it has pushed.
class walk {
 public:
  /// `interrupted`: the frames are those of a task that a signal has interrupted; else of the caller of an interposed
  /// function.
  walk(const stack_bounds& stack, bool interrupted) : stack_(stack), interrupted_(interrupted) {}

  _Unwind_Reason_Code see(_Unwind_Context* at) noexcept {
    int exact = 0;
    const auto pc = static_cast<std::uintptr_t>(_Unwind_GetIPInfo(at, &exact));
    // The stack pointer in this frame once what it called has returned.
    const auto sp = static_cast<std::uintptr_t>(_Unwind_GetCFA(at));
    const auto [owner, module] = code_map::current()->of(exact != 0 ? pc : pc - 1);
    if (!begun_) {
      if (!begins_here(owner, exact != 0)) return ++skipped_ > deepest_walk ? _URC_END_OF_STACK : _URC_NO_REASON;
      begun_ = true;
    }
    if (!stack_.has(sp) && owner != code_owner::boundary) return end_with(obstacle::other_stack);
    return take(owner, module, pc, sp);
  }

  /// A walk that did not end by itself met a frame without unwind information.
  [[nodiscard]] stack_view result() const noexcept { return ended_ ? view_ : stack_view{}; }

 private:
  /// At the interrupted instruction; or at the caller of the interposed functions, which are the runtime's.
  bool begins_here(code_owner owner, bool exact) noexcept {
    if (interrupted_) return exact;
    passed_runtime_ |= owner == code_owner::runtime;
    return passed_runtime_ && owner != code_owner::runtime;
  }

  _Unwind_Reason_Code end_with(obstacle o) noexcept {
    view_ = {o};
    ended_ = true;
    return _URC_END_OF_STACK;
  }

  _Unwind_Reason_Code take(code_owner owner, const char* module, std::uintptr_t pc, std::uintptr_t sp) noexcept {
    switch (owner) {
      case code_owner::boundary:
        if (in_foreign_) view_.slot = nullptr;  // no frame of the task to return to
        ended_ = true;
        return _URC_END_OF_STACK;
      case code_owner::unwinder:
      case code_owner::runtime:
      case code_owner::allocator:
      case code_owner::foreign:
        if (!in_foreign_) {
          before_run_ = view_;
          unwinder_ = false;
          allocator_ = false;
        }
        in_foreign_ = true;
        unwinder_ |= owner == code_owner::unwinder;
        allocator_ |= owner == code_owner::allocator;
        view_ = {obstacle::foreign_module, owner == code_owner::runtime ? "workit" : module};
        if (allocator_) view_ = {obstacle::allocator};
        break;
      case code_owner::sorter:  // it, and what of the library it has called since the task called it, hold nothing
        if (in_foreign_ && !sorts_) break;  // what it allocates is not counted: see hooks/allocator.cpp
        if (in_foreign_) view_ = before_run_;
        in_foreign_ = false;
        break;
      case code_owner::task:
      case code_owner::pure:
        if (in_foreign_) offer(reinterpret_cast<std::uintptr_t*>(sp) - 1, pc);
        in_foreign_ = false;
        break;
    }
    return ++frames_ > deepest_walk ? end_with(obstacle::too_deep) : _URC_NO_REASON;
  }

  void offer(std::uintptr_t* slot, std::uintptr_t pc) noexcept {
    const bool ours = stack_.has(reinterpret_cast<std::uintptr_t>(slot)) && *slot == pc && !unwinder_;
    view_.slot = ours ? slot : nullptr;
    view_.returns_to = pc;
  }

  const stack_bounds& stack_;
  const bool interrupted_;
  const bool sorts_ = (this_mark.look.load(std::memory_order_relaxed) & look_sorting) != 0;
  bool passed_runtime_ = false;
  bool begun_ = false;
  bool ended_ = false;
  bool in_foreign_ = false;  // the frame before this one is foreign
  bool unwinder_ = false;    // the run of foreign frames has one of the unwinder's
  bool allocator_ = false;   // ... of the allocator's, such as below operator new
  int frames_ = 0;
  int skipped_ = 0;
  stack_view view_{obstacle::none};
  stack_view before_run_;
};

_Unwind_Reason_Code see(_Unwind_Context* at, void* walk_under_way) {
  return static_cast<walk*>(walk_under_way)->see(at);
}

}  // namespace

stack_view walk_from_handler(const greg_t* interrupted, const stack_bounds& stack) noexcept {
  walk w(stack, true);
  workit_backtrace_from(interrupted, see, &w);
  return w.result();
}

stack_view walk_from_here(const stack_bounds& stack) noexcept {
  walk w(stack, false);
  _Unwind_Backtrace(see, &w);
  return w.result();
}

}  // namespace workit::preempt
