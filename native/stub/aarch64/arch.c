/* aarch64: signal handlers, threads, and what belongs to process start. */
#include "../stub.h"

#define SA_RESTORER_ 0x04000000

extern char restorer[] HIDDEN, restorer_check[] HIDDEN, restorer_end[] HIDDEN;
extern char wait_window[] HIDDEN, wait_window_end[] HIDDEN, wait_abort[] HIDDEN;
HIDDEN void jump_to_bounce(u64 sp) __attribute__((noreturn));

INLINE struct thread* current(void) {
  return (struct thread*)((u64)__builtin_frame_address(0) & ~(BLOCK_SIZE - 1));
}

static void on_syscall(int signo, siginfo_t* info, struct context* c) {
  (void)signo;
  (void)info;
  struct thread* t = current();
  struct sigcontext* m = &c->uc.uc_mcontext;
  if (m->pc == BOUNCE_ADDRESS + 4) {
    t->bounce = BOUNCE_NONE;
    t->restart_nr = NO_RESTART;
    serve(t, EVENT_READY, c);
    return;
  }
  u64 nr = (u32)m->regs[8];
  u64 a[6];
  for (int i = 0; i < 6; i++)
    a[i] = m->regs[i];
  u64 local;
  t->last_nr = nr;
  t->last_result = a[0]; /* the register that the result replaces, for a restart */
  t->restart_nr = NO_RESTART;
  i64 r = local_syscall(t, nr, a, &local);
  if (local) {
    if (r == -EINTR)
      t->restart_nr = nr;
    m->regs[0] = (u64)r;
    return;
  }
  struct slot* slot = t->slot;
  slot->nr = (u32)nr;
  for (int i = 0; i < 6; i++)
    slot->args[i] = a[i];
  marshal(t, nr, a);
  if (nr == __NR_rt_sigreturn)
    arch_marshal_sigreturn(t, c);
  serve(t, EVENT_SYSCALL, c);
}

/* The fault's bits as x86_64 numbers them, which the Sentry reads: 1 protection, 2 write, 16 instruction
 * fetch. */
static u64 fault_error(const struct context* c) {
  const struct esr_context* record = (const struct esr_context*)find_record(c, ESR_MAGIC);
  if (!record)
    return 0;
  u64 class = record->esr >> 26 & 0x3f, status = record->esr & 0x3f, write = record->esr >> 6 & 1;
  u64 protection = (status & 0x3c) == 0xc; /* permission faults of levels 0 to 3 */
  if (class == 0x20)
    return 16 | protection;
  if (class == 0x24)
    return write << 1 | protection;
  return 0;
}

static void on_fault(int signo, siginfo_t* info, struct context* c) {
  struct thread* t = current();
  struct sigcontext* m = &c->uc.uc_mcontext;
  if (t->fault_ip && in_stub_text(m->pc)) {
    m->pc = t->fault_ip;
    m->regs[0] = 1;
    t->fault_ip = 0;
    return;
  }
  struct slot* slot = t->slot;
  slot->fault_signal = (u32)signo;
  slot->fault_code = info->si_code;
  slot->fault_address = (u64)info->si_addr;
  slot->fault_error = fault_error(c);
  t->restart_nr = NO_RESTART;
  serve(t, EVENT_FAULT, c);
}

/* An interrupt in guest code is served by the restorer; one in the stub is kept until the thread leaves it.
 */
static void on_interrupt(int signo, siginfo_t* info, struct context* c) {
  (void)signo;
  (void)info;
  struct thread* t = current();
  struct sigcontext* m = &c->uc.uc_mcontext;
  t->pending = 1;
  if (m->pc >= (u64)restorer_check && m->pc < (u64)restorer_end)
    m->pc = (u64)restorer_check;
  else if (m->pc >= (u64)wait_window && m->pc < (u64)wait_window_end)
    m->pc = (u64)wait_abort;
}

/* Called by the restorer with an interrupt pending. 0: the context is the stub's own, leave it for later. */
__attribute__((used)) HIDDEN int serve_pending(struct context* c) {
  struct thread* t = (struct thread*)((u64)c & ~(BLOCK_SIZE - 1));
  u64 ip = c->uc.uc_mcontext.pc;
  if (in_stub_text(ip) || ip == BOUNCE_ADDRESS)
    return 0;
  t->pending = 0;
  serve(t, EVENT_INTERRUPT, c);
  t->restart_nr = NO_RESTART;
  return 1;
}

/* Back to the svc, its number and first argument in place. */
void arch_restart(struct thread* t, struct context* c) {
  c->uc.uc_mcontext.pc -= 4;
  c->uc.uc_mcontext.regs[8] = t->last_nr;
  c->uc.uc_mcontext.regs[0] = t->last_result;
  t->restarted = 1;
  t->restart_nr = NO_RESTART;
}

int guarded_copy(struct thread* t, void* dst, const void* src, u64 len) {
  register u64 bad __asm__("x0") = 0;
  u64 word, guard;
  __asm__ volatile("adr %[guard], 3f\n"
                   "str %[guard], [%[t], %[fault]]\n"
                   "1: cmp %[len], #8\n"
                   "b.lo 2f\n"
                   "ldr %[word], [%[src]], #8\n"
                   "str %[word], [%[dst]], #8\n"
                   "sub %[len], %[len], #8\n"
                   "b 1b\n"
                   "2: tbz %[len], #2, 4f\n" /* in one piece, for futex words */
                   "ldr %w[word], [%[src]], #4\n"
                   "str %w[word], [%[dst]], #4\n"
                   "sub %[len], %[len], #4\n"
                   "4: cbz %[len], 3f\n"
                   "ldrb %w[word], [%[src]], #1\n"
                   "strb %w[word], [%[dst]], #1\n"
                   "sub %[len], %[len], #1\n"
                   "b 4b\n"
                   "3: str xzr, [%[t], %[fault]]\n"
                   : [bad] "+r"(bad), [dst] "+r"(dst), [src] "+r"(src), [len] "+r"(len), [word] "=&r"(word),
                     [guard] "=&r"(guard)
                   : [t] "r"(t), [fault] "i"(offsetof(struct thread, fault_ip))
                   : "memory", "cc");
  return (int)bad;
}

int arch_guarded_cmpxchg32(struct thread* t, u64 addr, u32* expected, u32 desired) {
  register u64 bad __asm__("x0") = 0;
  u64 guard;
  u32 old = *expected, seen = old, failed;
  __asm__ volatile("adr %[guard], 3f\n"
                   "str %[guard], [%[t], %[fault]]\n"
                   "1: ldaxr %w[seen], [%[addr]]\n"
                   "cmp %w[seen], %w[old]\n"
                   "b.ne 3f\n"
                   "stlxr %w[failed], %w[desired], [%[addr]]\n"
                   "cbnz %w[failed], 1b\n"
                   "3: str xzr, [%[t], %[fault]]\n"
                   : [bad] "+r"(bad), [seen] "+r"(seen), [failed] "=&r"(failed), [guard] "=&r"(guard)
                   : [addr] "r"(addr), [t] "r"(t), [fault] "i"(offsetof(struct thread, fault_ip)),
                     [old] "r"(old), [desired] "r"(desired)
                   : "memory", "cc");
  *expected = seen;
  return (int)bad;
}

struct kernel_sigaction {
  void* handler;
  u64 flags;
  void* restorer;
  u64 mask;
};

static void handle(int signo, void* handler) {
  struct kernel_sigaction sa = {handler, SA_SIGINFO | SA_NODEFER | SA_ONSTACK | SA_RESTORER_, restorer, 0};
  host6(__NR_rt_sigaction, (u64)signo, (u64)&sa, 0, 8, 0, 0);
}

void arch_init_process(void) {
  host6(__NR_mmap, PATCH_CODE, PATCH_CODE_SIZE, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, (u64)-1, 0);
  *(volatile u32*)SIGRETURN_ADDRESS = 0xd2801168;       /* mov x8, #139 */
  *(volatile u32*)(SIGRETURN_ADDRESS + 4) = 0xd4000001; /* svc #0 */
  *(volatile u32*)BOUNCE_ADDRESS = 0xd4000001;
  host6(__NR_mprotect, PATCH_CODE, PATCH_CODE_SIZE, PROT_READ | PROT_EXEC, 0, 0, 0);
  handle(SIGSYS, on_syscall);
  handle(SIGSEGV, on_fault);
  handle(SIGBUS, on_fault);
  handle(SIGFPE, on_fault);
  handle(SIGILL, on_fault);
  handle(SIGTRAP, on_fault);
  handle(SIGUSR1, on_interrupt);
  /* Of a vector written to a socket without a reader: the Sentry sends the guest its own. */
  handle(SIGPIPE, (void*)1 /* SIG_IGN */);
}

void arch_init_thread(struct thread* t) {
  stack_t stack = {.ss_sp = (u8*)t + 4096, .ss_flags = 0, .ss_size = BLOCK_SIZE - 4096};
  host6(__NR_sigaltstack, (u64)&stack, 0, 0, 0, 0, 0);
}

void arch_bounce(struct thread* t) {
  t->bounce = BOUNCE_READY;
  jump_to_bounce(t->stack_top);
}

__attribute__((used)) HIDDEN void thread_start(struct context* c) {
  struct thread* t = (struct thread*)((u64)c & ~(BLOCK_SIZE - 1));
  arch_init_thread(t);
  if (__atomic_load_n(&t->slot->birth_interrupt, __ATOMIC_SEQ_CST))
    t->pending = 1;
}

/* The child starts as if it returned from a handler of its own: a copy of our frame on its block. */
i64 arch_clone_thread(struct thread* child, struct context* c, u64 stack, u64 tls, u64 set_tls) {
  u64 extra = frame_extra_size(c);
  u64 at = ((u64)child + BLOCK_SIZE - 1024 - extra) & ~15UL;
  u64 frame = (at - SIGINFO_SIZE - sizeof(struct ucontext)) & ~15UL;
  struct context* copy = (struct context*)(frame + SIGINFO_SIZE);
  memcpy((void*)frame, (u8*)c - SIGINFO_SIZE, SIGINFO_SIZE + sizeof(struct ucontext));
  copy_frame_extra(copy, c, at);
  struct sigcontext* m = &copy->uc.uc_mcontext;
  m->regs[0] = 0;
  if (stack)
    m->sp = stack;
  copy->uc.uc_stack.ss_sp = (u8*)child + 4096;
  copy->uc.uc_stack.ss_size = BLOCK_SIZE - 4096;
  copy->uc.uc_stack.ss_flags = 0;
  u64 flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
              CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
  if (set_tls)
    flags |= CLONE_SETTLS;
  register u64 x8 __asm__("x8") = __NR_clone;
  register u64 x0 __asm__("x0") = flags;
  register u64 x1 __asm__("x1") = frame;
  register u64 x2 __asm__("x2") = 0;
  register u64 x3 __asm__("x3") = tls;
  register u64 x4 __asm__("x4") = (u64)&child->slot->host_tid;
  __asm__ volatile("svc #0\n"
                   "cbz x0, thread_entry\n"
                   : "+r"(x0)
                   : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4)
                   : "memory");
  return (i64)x0;
}
