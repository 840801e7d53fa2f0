// stack_switch: see the header. System V ABI for x86-64, 3.2.1 to 3.2.3: rbx, rbp, r12 to r15 and the control words of
// MXCSR and x87 belong to the caller; results come in rax, rdx, xmm0, xmm1 at any width, st0 and st1.
//
// The escapes of workit_backtrace_from (DWARF 4, 6.4.2): the frame's address is what is in gregs[REG_RSP]
// (DW_CFA_def_cfa_expression: DW_OP_breg3 120, DW_OP_deref), and each register of the caller, by its DWARF number with
// 16 for the return address, is in its place of gregs (DW_CFA_expression: DW_OP_breg3 with the place's offset).
#include "stack_switch.hpp"

#include <cpuid.h>

asm(R"(
.pushsection workit_rt,"ax",@progbits
.globl workit_run_on_stack
.hidden workit_run_on_stack
.type workit_run_on_stack,@function
workit_run_on_stack:
  .cfi_startproc
  push %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp,-16
  mov %rsp,%rbp
  .cfi_def_cfa_register %rbp
  push %rbx
  push %r12
  push %r13
  push %r14
  push %r15
  sub $8,%rsp
  stmxcsr (%rsp)
  fnstcw 4(%rsp)
  mov %rsp,(%rcx)
  mov %rdi,%rsp
  and $-16,%rsp
  mov %rdx,%rdi
  call *%rsi
  lea -48(%rbp),%rsp
  xor %eax,%eax
  jmp 1f
.globl workit_landing
.hidden workit_landing
workit_landing:
  fninit
  fldcw 4(%rsp)
  ldmxcsr (%rsp)
  cmpb $0,workit_has_avx(%rip)
  je 2f
  vzeroupper
2:
  mov $1,%eax
1:
  add $8,%rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbx
  pop %rbp
  .cfi_def_cfa %rsp,8
  ret
  .cfi_endproc
.size workit_run_on_stack,.-workit_run_on_stack
.globl workit_run_on_stack_end
.hidden workit_run_on_stack_end
workit_run_on_stack_end:

.globl workit_returned
.hidden workit_returned
.type workit_returned,@function
workit_returned:
  .cfi_startproc
  .cfi_undefined %rip
  sub $8,%rsp
  push %rax
  push %rdx
  push %rbp
  mov %rsp,%rbp
  sub $2752,%rsp
  and $-64,%rsp
  xor %eax,%eax
  mov %rax,512(%rsp)
  mov %rax,520(%rsp)
  mov %rax,528(%rsp)
  mov %rax,536(%rsp)
  mov %rax,544(%rsp)
  mov %rax,552(%rsp)
  mov %rax,560(%rsp)
  mov %rax,568(%rsp)
  xor %edx,%edx
  mov workit_saved_components(%rip),%eax
  xsave64 (%rsp)
  call workit_after_return
  mov %rax,24(%rbp)
  xor %edx,%edx
  mov workit_saved_components(%rip),%eax
  xrstor64 (%rsp)
  mov %rbp,%rsp
  pop %rbp
  pop %rdx
  pop %rax
  ret
  .cfi_endproc
.size workit_returned,.-workit_returned
.globl workit_returned_end
.hidden workit_returned_end
workit_returned_end:

.globl workit_backtrace_from
.hidden workit_backtrace_from
.type workit_backtrace_from,@function
workit_backtrace_from:
  .cfi_startproc
  .cfi_signal_frame
  push %rbx
  mov %rdi,%rbx
  .cfi_escape 0x0f,0x04,0x73,0xf8,0x00,0x06
  .cfi_escape 0x10,0x00,0x03,0x73,0xe8,0x00
  .cfi_escape 0x10,0x01,0x03,0x73,0xe0,0x00
  .cfi_escape 0x10,0x02,0x03,0x73,0xf0,0x00
  .cfi_escape 0x10,0x03,0x03,0x73,0xd8,0x00
  .cfi_escape 0x10,0x04,0x03,0x73,0xc8,0x00
  .cfi_escape 0x10,0x05,0x03,0x73,0xc0,0x00
  .cfi_escape 0x10,0x06,0x03,0x73,0xd0,0x00
  .cfi_escape 0x10,0x07,0x03,0x73,0xf8,0x00
  .cfi_escape 0x10,0x08,0x02,0x73,0x00
  .cfi_escape 0x10,0x09,0x02,0x73,0x08
  .cfi_escape 0x10,0x0a,0x02,0x73,0x10
  .cfi_escape 0x10,0x0b,0x02,0x73,0x18
  .cfi_escape 0x10,0x0c,0x02,0x73,0x20
  .cfi_escape 0x10,0x0d,0x02,0x73,0x28
  .cfi_escape 0x10,0x0e,0x02,0x73,0x30
  .cfi_escape 0x10,0x0f,0x02,0x73,0x38
  .cfi_escape 0x10,0x10,0x03,0x73,0x80,0x01
  mov %rsi,%rdi
  mov %rdx,%rsi
  call _Unwind_Backtrace@PLT
  pop %rbx
  ret
  .cfi_endproc
.size workit_backtrace_from,.-workit_backtrace_from
.popsection
)");

namespace workit::preempt {

extern "C" {
[[gnu::visibility("hidden")]] std::uint32_t workit_saved_components = 3;  // x87 and SSE
[[gnu::visibility("hidden")]] std::uint8_t workit_has_avx = 0;
}

void jump_to_landing(std::uintptr_t own) noexcept {
  asm volatile("mov %0,%%rsp\n\tjmp workit_landing" : : "r"(own) : "memory");
  __builtin_unreachable();
}

// Intel SDM volume 1, 13.2 and 13.3: CPUID.1:ECX.OSXSAVE says that XGETBV may be used; XCR0 bits 0 to 2 are x87, SSE
// and AVX, 5 to 7 the three parts of AVX-512, whose last ends at byte 2688 of the standard format.
void measure_vector_state() noexcept {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0) return;
  unsigned enabled = 0, high = 0;
  asm volatile("xgetbv" : "=a"(enabled), "=d"(high) : "c"(0));
  workit_saved_components = enabled & 0xe7U;
  workit_has_avx = (enabled & 4U) != 0 ? 1 : 0;
}

// RDSSPQ is a no-op that leaves its operand alone where shadow stacks are off.
bool has_shadow_stack() noexcept {
  std::uint64_t pointer = 0;
  asm volatile("rdsspq %0" : "+r"(pointer));
  return pointer != 0;
}

}  // namespace workit::preempt
