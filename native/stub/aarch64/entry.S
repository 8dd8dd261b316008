/*
 * aarch64 entry points: process start, handlers' way back, and the windows in which an interrupt must not be lost (see
 * on_interrupt in arch.c). Offsets are those of struct thread in stub.h.
 */
#include "../../include/layout.h"

#define T_PENDING 24
#define BOUNCE_ADDRESS (PATCH_CODE + PATCH_CODE_SIZE - PATCH_BLOCK)
#define SIGINFO_SIZE 128

  .text
  .globl _start
_start:
  mov x0, sp
  bl stub_start
  brk #0

/* Handlers return here with sp at the frame: siginfo, then ucontext. */
  .globl restorer
restorer:
  .globl restorer_check
restorer_check:
  mov x9, sp
  and x9, x9, #~(BLOCK_SIZE - 1)
  ldr x9, [x9, #T_PENDING]
  cbnz x9, 1f
  mov x8, #139
  svc #0
  .globl restorer_end
restorer_end:
  brk #0
1:
  add x0, sp, #SIGINFO_SIZE
  bl serve_pending
  cbnz w0, restorer_check
  mov x8, #139
  svc #0
  brk #0

/* A new thread: sp at its frame on its own block, nothing else set up. */
  .globl thread_entry
thread_entry:
  add x0, sp, #SIGINFO_SIZE
  bl thread_start
  b restorer_check

/* long waiting_call(thread, number, a, b, c, d, e, f) */
  .globl waiting_call
waiting_call:
  mov x9, x0
  mov x8, x1
  mov x0, x2
  mov x1, x3
  mov x2, x4
  mov x3, x5
  mov x4, x6
  mov x5, x7
  .globl wait_window
wait_window:
  ldr x10, [x9, #T_PENDING]
  cbnz x10, wait_abort
  svc #0
  .globl wait_window_end
wait_window_end:
  ret
  .globl wait_abort
wait_abort:
  mov x0, #-4
  ret

  .globl jump_to_bounce
jump_to_bounce:
  mov sp, x0
  mov x8, #4000
  ldr x9, =BOUNCE_ADDRESS
  br x9
  .ltorg

  .section .note.GNU-stack, "", @progbits
