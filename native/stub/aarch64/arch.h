/* aarch64: host calls, registers of a host signal frame, clock, bounce. Sites are not patched here. */
#ifndef RUNSC_ARCH_H
#define RUNSC_ARCH_H

#include <asm/sigcontext.h>
#include <asm/ucontext.h>

INLINE i64 host6(u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f) {
  register u64 x8 __asm__("x8") = nr;
  register u64 x0 __asm__("x0") = a;
  register u64 x1 __asm__("x1") = b;
  register u64 x2 __asm__("x2") = c;
  register u64 x3 __asm__("x3") = d;
  register u64 x4 __asm__("x4") = e;
  register u64 x5 __asm__("x5") = f;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return (i64)x0;
}

/*
 * Processor features that guests are told of: those without state of their own in signal frames, and without
 * calls that the Sentry does not have. Not guarded control stacks, memory tags, SME, FPMR and permission
 * overlays.
 */
#define BITS(from, to) ((~0UL >> (63 - (to))) & (~0UL << (from)))
#define ARCH_HWCAP BITS(0, 31)
#define ARCH_HWCAP2 (BITS(0, 17) | BITS(19, 22) | BITS(31, 36) | BITS(43, 47) | BITS(49, 50))

/* The kernel's frame keeps the siginfo right before the ucontext. */
struct context {
  struct ucontext uc;
};

#define SIGINFO_SIZE 128
#define CONTEXT_IP(c) ((c)->uc.uc_mcontext.pc)
#define CONTEXT_SP(c) ((c)->uc.uc_mcontext.sp)
#define CONTEXT_RESULT(c) ((c)->uc.uc_mcontext.regs[0])

INLINE void pause_cpu(void) {
  __asm__ volatile("yield");
}

INLINE u64 ticks(void) {
  u64 value;
  __asm__ volatile("mrs %0, cntvct_el0" : "=r"(value));
  return value;
}

/* User space cannot ask for the CPU without a call: a number that no CPU has. */
INLINE u32 cpu_number(void) {
  return 0xfffffffe;
}

/* In low memory, outside the stub's text: one svc that traps on purpose, and rt_sigreturn for guests'
 * handlers. */
#define BOUNCE_ADDRESS (PATCH_CODE + PATCH_CODE_SIZE - PATCH_BLOCK)
#define SIGRETURN_ADDRESS PATCH_CODE

HIDDEN void arch_init_process(void);
HIDDEN void arch_init_thread(struct thread* t);
HIDDEN void arch_bounce(struct thread* t) __attribute__((noreturn));
HIDDEN int arch_push_signal(struct thread* t, struct context* context);
HIDDEN int arch_sigreturn(struct thread* t, struct context* context);
HIDDEN void arch_marshal_sigreturn(struct thread* t, struct context* context);
HIDDEN void arch_restart(struct thread* t, struct context* context);
HIDDEN void arch_start(struct thread* t, struct context* context);
HIDDEN i64 arch_clone_thread(struct thread* child, struct context* context, u64 stack, u64 tls, u64 set_tls);
HIDDEN int arch_guarded_cmpxchg32(struct thread* t, u64 addr, u32* expected, u32 desired);
HIDDEN i64 waiting_call(struct thread* t, u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);
HIDDEN void copy_frame_extra(struct context* to, const struct context* from, u64 at);
/* The record with that magic number among the ucontext's own, or 0. */
HIDDEN struct _aarch64_ctx* find_record(const struct context* c, u32 magic);
HIDDEN u64 frame_extra_size(const struct context* c);

INLINE u32 arch_patch_pattern(u64 ip, u64 nr) {
  (void)ip;
  (void)nr;
  return 0;
}
INLINE void arch_lock_patching(void) {}
INLINE void arch_unlock_patching(void) {}

INLINE i64 arch_set_thread_pointer(u64 value) {
  __asm__ volatile("msr tpidr_el0, %0" ::"r"(value));
  return 0;
}

#endif
