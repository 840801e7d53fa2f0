// The parts in assembly: onto the task's stack, back from it, out of it, out of a hijacked return, and into a walk.
#pragma once

#include <ucontext.h>
#include <unwind.h>

#include <cstdint>

namespace workit::preempt {

extern "C" {

/// Stores the caller's stack pointer in `*own` and calls fn(argument) on the stack that ends at `top`. Returns 0 when
/// fn has returned, and 1, by way of workit_landing, when it was left.
int workit_run_on_stack(void* top, void (*fn)(void*), void* argument, std::uintptr_t* own);
/// The end of workit_run_on_stack; an address in [workit_run_on_stack, workit_run_on_stack_end) is the boundary.
extern const char workit_run_on_stack_end[];

/// Where execution continues, with the stack pointer that workit_run_on_stack stored, when a task is left. Restores the
/// control words of x87 and SSE, empties the x87 stack, and clears the upper halves of the vector registers.
extern const char workit_landing[];

/// The address that replaces a hijacked return address. Calls workit_after_return() and continues at the address that
/// it returns. Keeps every register that can carry a result (rax, rdx, x87, and the vector registers at full width).
extern const char workit_returned[];
extern const char workit_returned_end[];

/// For workit_returned: the address to which the library function was to return. Does not return when it leaves the
/// task.
std::uintptr_t workit_after_return();

/// _Unwind_Backtrace(trace, argument) whose frames are, after this function's own, those of the code that had these
/// registers when a signal interrupted it: what a signal's frame says of its caller, without the frames of the handler,
/// each of which takes 0.3 us, and longer when its description is in no cache.
void workit_backtrace_from(const greg_t* interrupted, _Unwind_Trace_Fn trace, void* argument);

/// Which state components workit_returned saves: bits of XCR0. Set by measure_vector_state().
extern std::uint32_t workit_saved_components;
/// Whether there are upper halves to clear.
extern std::uint8_t workit_has_avx;
}

/// Leaves the task from ordinary code on its stack.
[[noreturn]] void jump_to_landing(std::uintptr_t own) noexcept;

/// Fills in what the assembly needs to know about this processor. Threads: one, before the first run.
void measure_vector_state() noexcept;

/// Whether user shadow stacks are on, so that no return address may be changed.
[[nodiscard]] bool has_shadow_stack() noexcept;

}  // namespace workit::preempt
