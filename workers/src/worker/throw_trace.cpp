// throw_trace: a frame with a personality routine of its own (Itanium C++ ABI, exception handling, 1.6.2).
//
// The unwinder looks for a handler first, and asks each frame on its way up, while the stack is still whole; only then
// does it unwind. So a frame between the task and the catch clause of the worker is asked exactly when an exception is
// about to leave the task, and can look at the throw. Nothing is interposed: the host, and what the task catches
// itself, know nothing of it.
#include "throw_trace.hpp"

#include <execinfo.h>
#include <unwind.h>

#include <cstdlib>
#include <string_view>

namespace workit::workers {
namespace {

constexpr int most_frames = 48;
void* frames[most_frames];
int noted = 0;

/// Whether this is the unwinder or the runtime's way to it, on which every throw is.
bool is_machinery(std::string_view line) {
  for (const std::string_view name : {"_Unwind_", "__cxa_throw", "__cxa_rethrow", "rethrow_exception", "workit_note"})
    if (line.find(name) != std::string_view::npos) return true;
  return false;
}

}  // namespace

#if defined(__x86_64__)

extern "C" [[gnu::visibility("hidden"), gnu::used]] _Unwind_Reason_Code workit_note_throw(int, _Unwind_Action actions,
                                                                                          _Unwind_Exception_Class kind,
                                                                                          _Unwind_Exception*,
                                                                                          _Unwind_Context*) {
  // The last byte tells an exception that refers to another, as std::rethrow_exception makes it.
  const bool again = (kind & 0xff) == 1;
  if ((actions & _UA_SEARCH_PHASE) != 0 && !(again && noted > 0)) noted = ::backtrace(frames, most_frames);
  return _URC_CONTINUE_UNWIND;
}

// void(void (*body)(void*), void* argument); 0x9b: an indirect, relative address of 32 bits.
asm(R"(
.pushsection .text
.globl workit_call_noting_throws
.hidden workit_call_noting_throws
.type workit_call_noting_throws,@function
workit_call_noting_throws:
  .cfi_startproc
  .cfi_personality 0x9b,DW.ref.workit_note_throw
  sub $8,%rsp
  .cfi_adjust_cfa_offset 8
  mov %rdi,%rax
  mov %rsi,%rdi
  call *%rax
  add $8,%rsp
  .cfi_adjust_cfa_offset -8
  ret
  .cfi_endproc
.size workit_call_noting_throws,.-workit_call_noting_throws
.popsection
.pushsection .data.rel.local.DW.ref.workit_note_throw,"awG",@progbits,DW.ref.workit_note_throw,comdat
.weak DW.ref.workit_note_throw
.hidden DW.ref.workit_note_throw
.balign 8
.type DW.ref.workit_note_throw,@object
.size DW.ref.workit_note_throw,8
DW.ref.workit_note_throw:
  .quad workit_note_throw
.popsection
)");
extern "C" void workit_call_noting_throws(void (*body)(void*), void* argument);

void call_noting_throws(void (*body)(void*), void* argument) { workit_call_noting_throws(body, argument); }

#else

void call_noting_throws(void (*body)(void*), void* argument) { body(argument); }

#endif

void forget_throw() noexcept { noted = 0; }

std::string noted_throw() {
  std::string text;
  char** const lines = noted > 0 ? ::backtrace_symbols(frames, noted) : nullptr;
  if (lines == nullptr) return text;
  int first = 0;
  for (int i = 0; i < noted && i < 8; ++i)
    if (is_machinery(lines[i])) first = i + 1;
  try {
    for (int i = first; i < noted; ++i) text.append(lines[i]).push_back('\n');
  } catch (...) {
    text.clear();
  }
  std::free(lines);
  return text;
}

}  // namespace workit::workers
