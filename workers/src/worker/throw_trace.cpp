// throw_trace: a frame with a personality routine of its own (Itanium C++ ABI, exception handling, 1.6.2).
//
// The unwinder first searches for a handler: it asks each frame from the throw upwards while the stack is still whole,
// and unwinds only then. So it asks a frame between the task and the worker's catch clause exactly when an exception is
// about to leave the task, and that frame records the stack of the throw. Nothing is interposed: an exception that the
// task catches itself costs nothing.
#include "throw_trace.hpp"

#include <execinfo.h>
#include <unwind.h>

#include <cstdlib>
#include <string_view>
#include <workit/workers/detail/task_entry.hpp>

#include "task_backtrace.hpp"

namespace workit::workers {
namespace {

task_frames recorded;

/// Whether this is the unwinder or the runtime's way to it, on which every throw is.
bool is_machinery(std::string_view line) {
  for (const std::string_view name :
       {"_Unwind_", "__cxa_throw", "__cxa_rethrow", "rethrow_exception", "workit_record_throw"})
    if (line.find(name) != std::string_view::npos) return true;
  return false;
}

}  // namespace

#if defined(__x86_64__)

extern "C" [[gnu::visibility("hidden"), gnu::used]] _Unwind_Reason_Code workit_record_throw(
    int, _Unwind_Action actions, _Unwind_Exception_Class kind, _Unwind_Exception*, _Unwind_Context*) {
  // The last byte tells an exception that refers to another, as std::rethrow_exception makes it.
  const bool again = (kind & 0xff) == 1;
  if ((actions & _UA_SEARCH_PHASE) != 0 && !(again && recorded.count > 0)) take_backtrace(recorded, 1);
  return _URC_CONTINUE_UNWIND;
}

// void(void (*body)(void*), void* argument); 0x1b: a relative address of 32 bits. The code, too, refers to the routine:
// for gold's --gc-sections a personality alone does not keep it.
asm(R"(
.pushsection .text
.globl workit_call_tracing_throws
.hidden workit_call_tracing_throws
.type workit_call_tracing_throws,@function
workit_call_tracing_throws:
  .cfi_startproc
  .cfi_personality 0x1b,workit_record_throw
  sub $8,%rsp
  .cfi_adjust_cfa_offset 8
  lea workit_record_throw(%rip),%rax
  mov %rdi,%rax
  mov %rsi,%rdi
  call *%rax
  add $8,%rsp
  .cfi_adjust_cfa_offset -8
  ret
  .cfi_endproc
.size workit_call_tracing_throws,.-workit_call_tracing_throws
.popsection
)");
extern "C" void workit_call_tracing_throws(void (*body)(void*), void* argument);

void call_tracing_throws(void (*body)(void*), void* argument) {
  const task_entry entry(__builtin_frame_address(0));  // unless the task's function comes closer
  workit_call_tracing_throws(body, argument);
}

#else

void call_tracing_throws(void (*body)(void*), void* argument) { body(argument); }

#endif

void clear_throw_trace() noexcept { recorded.count = 0; }

std::string throw_trace_text() {
  std::string text;
  char** const lines = recorded.count > 0 ? ::backtrace_symbols(recorded.at, recorded.count) : nullptr;
  if (lines == nullptr) return text;
  int first = 0;
  for (int i = 0; i < recorded.count && i < 8; ++i)
    if (is_machinery(lines[i])) first = i + 1;
  try {
    for (int i = first; i < recorded.count; ++i) text.append(lines[i]).push_back('\n');
    if (recorded.more) text += task_frames::further;
  } catch (...) {
    text.clear();
  }
  std::free(lines);
  return text;
}

}  // namespace workit::workers
