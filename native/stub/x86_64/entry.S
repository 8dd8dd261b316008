/*
 * x86_64 entry points: process start, the patched call sites' trampoline, handlers' way back, and the windows in which
 * an interrupt must not be lost (see on_interrupt in arch.c). Offsets are those of struct thread in stub.h.
 */
#include "../../include/layout.h"

#define T_SAVED_SP 8
#define T_STACK_TOP 16
#define T_PENDING 24
#define T_RESUME_RESULT 32
#define T_RESUME_IP 40
#define T_BOUNCE 48
#define BOUNCE_ADDRESS (PATCH_CODE + PATCH_CODE_SIZE - PATCH_BLOCK)

  .text
  .globl _start
_start:
  mov %rsp, %rdi
  and $-16, %rsp
  call stub_start
  ud2

/*
 * A patched site arrives here: rax = number, rcx = where to go on, all else the guest's. As after a real syscall only
 * rax, rcx and r11 change (flags as well). The guest's stack is not touched.
 */
  .globl trampoline_entry
trampoline_entry:
  mov %rsp, %gs:T_SAVED_SP
  mov %gs:T_STACK_TOP, %rsp
  push %rcx
  push %r9
  push %r8
  push %r10
  push %rdx
  push %rsi
  push %rdi
  push %rax
  mov %rsp, %rdi
  push %rbx
  mov %rdi, %rbx
  and $-16, %rsp
  cld
  call trampoline_syscall
  mov %rbx, %rsp
  mov -8(%rsp), %rbx
  .globl trampoline_check
trampoline_check:
  cmpq $0, %gs:T_BOUNCE
  jne trampoline_bounce
  cmpq $0, %gs:T_PENDING
  jne trampoline_pending
  mov 8(%rsp), %rdi
  mov 16(%rsp), %rsi
  mov 24(%rsp), %rdx
  mov 32(%rsp), %r10
  mov 40(%rsp), %r8
  mov 48(%rsp), %r9
  mov 56(%rsp), %rcx
  mov %gs:T_SAVED_SP, %rsp
  .globl trampoline_last
trampoline_last:
  jmp *%rcx

/* An interrupt is due: go through the bounce instruction, whose handler sees all registers. */
  .globl trampoline_pending
trampoline_pending:
  mov %rax, %gs:T_RESUME_RESULT
  mov 56(%rsp), %rcx
  mov %rcx, %gs:T_RESUME_IP
  movq $1, %gs:T_BOUNCE
trampoline_bounce:
  mov 0(%rsp), %rax
  mov 8(%rsp), %rdi
  mov 16(%rsp), %rsi
  mov 24(%rsp), %rdx
  mov 32(%rsp), %r10
  mov 40(%rsp), %r8
  mov 48(%rsp), %r9
  mov %gs:T_SAVED_SP, %rsp
  mov $BOUNCE_ADDRESS, %ecx
  jmp *%rcx

/*
 * Handlers return here with rsp at their ucontext. Between the check and the kernel's rt_sigreturn an interrupt is
 * made to start the check again.
 */
  .globl restorer
restorer:
  .globl restorer_check
restorer_check:
  mov %rsp, %rax
  and $-BLOCK_SIZE, %rax
  cmpq $0, T_PENDING(%rax)
  jne 1f
  mov $15, %eax
  syscall
  .globl restorer_end
restorer_end:
  ud2
1:
  mov %rsp, %rdi
  mov %rsp, %rbx
  and $-16, %rsp
  call serve_pending
  mov %rbx, %rsp
  test %eax, %eax
  jnz restorer_check
  mov $15, %eax
  syscall
  ud2

/* A new thread: rsp at its ucontext on its own block, nothing else set up. */
  .globl thread_entry
thread_entry:
  mov %rsp, %rbx
  mov %rsp, %rdi
  sub $256, %rsp
  and $-16, %rsp
  call thread_start
  mov %rbx, %rsp
  jmp restorer_check

/*
 * long waiting_call(thread, number, a, b, c, d, e, f): a host call that waits. The interrupt handler sends a thread
 * caught before it to the abort.
 */
  .globl waiting_call
waiting_call:
  push %rbx
  mov %rdi, %rbx
  mov %rsi, %rax
  mov %rdx, %rdi
  mov %rcx, %rsi
  mov %r8, %rdx
  mov %r9, %r10
  mov 16(%rsp), %r8
  mov 24(%rsp), %r9
  .globl wait_window
wait_window:
  cmpq $0, T_PENDING(%rbx)
  jne wait_abort
  syscall
  .globl wait_window_end
wait_window_end:
  pop %rbx
  ret
  .globl wait_abort
wait_abort:
  mov $-4, %rax
  pop %rbx
  ret

/* Leaves for the bounce instruction with only the thread block set up (a blank address space). */
  .globl jump_to_bounce
jump_to_bounce:
  mov %rdi, %rsp
  mov $4000, %eax
  mov $BOUNCE_ADDRESS, %ecx
  jmp *%rcx

  .section .note.GNU-stack, "", @progbits
