/* x86_64: host calls, registers of a host signal frame, CPU number and clock, bounce. */
#ifndef RUNSC_ARCH_H
#define RUNSC_ARCH_H

#include <asm/sigcontext.h>
#include <asm/ucontext.h>

INLINE i64 host6(u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f) {
  register u64 r10 __asm__("r10") = d;
  register u64 r8 __asm__("r8") = e;
  register u64 r9 __asm__("r9") = f;
  i64 result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

/* Processor features that guests are told of. */
#define ARCH_HWCAP (~0UL)
#define ARCH_HWCAP2 (~0UL)

/* What the kernel pushed on the handler's stack; fpstate follows elsewhere on it. */
struct context {
  struct ucontext uc;
};

#define CONTEXT_IP(c) ((c)->uc.uc_mcontext.rip)
#define CONTEXT_SP(c) ((c)->uc.uc_mcontext.rsp)
#define CONTEXT_RESULT(c) ((c)->uc.uc_mcontext.rax)

INLINE void pause_cpu(void) {
  __asm__ volatile("pause");
}

INLINE u64 ticks(void) {
  u32 lo, hi;
  __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
  return ((u64)hi << 32) | lo;
}

/* Linux keeps the CPU number in the low 12 bits of TSC_AUX. */
INLINE u32 cpu_number(void) {
  u32 lo, hi, aux;
  __asm__ volatile("rdtscp" : "=a"(lo), "=d"(hi), "=c"(aux));
  return aux & 0xfff;
}

/* Low memory: the trampolines' entry pointer, and the one syscall instruction that traps on purpose. */
#define BOUNCE_ADDRESS (PATCH_CODE + PATCH_CODE_SIZE - PATCH_BLOCK)

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
HIDDEN u64 fpstate_size(const struct context* c);
HIDDEN i64 waiting_call(struct thread* t, u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);
HIDDEN int arch_patch(u64 ip, u64 nr);
HIDDEN u32 arch_patch_pattern(u64 ip, u64 nr);
HIDDEN void arch_lock_patching(void);
HIDDEN void arch_unlock_patching(void);

INLINE i64 arch_set_thread_pointer(u64 value) {
  return host6(__NR_arch_prctl, 0x1002 /* ARCH_SET_FS */, value, 0, 0, 0, 0);
}

#endif
