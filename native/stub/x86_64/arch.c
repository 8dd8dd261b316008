/* x86_64: signal handlers, the fast path's C side, threads, and what belongs to process start. */
#include "../stub.h"

#include <linux/audit.h>

#define SA_RESTORER_ 0x04000000
#define ARCH_SET_GS_ 0x1001

extern char trampoline_entry[] HIDDEN, trampoline_check[] HIDDEN, trampoline_last[] HIDDEN,
    trampoline_pending[] HIDDEN;
extern char restorer[] HIDDEN, restorer_check[] HIDDEN, restorer_end[] HIDDEN, thread_entry[] HIDDEN;
extern char wait_window[] HIDDEN, wait_window_end[] HIDDEN, wait_abort[] HIDDEN;
HIDDEN void jump_to_bounce(u64 sp) __attribute__((noreturn));
HIDDEN int patch_fixup(struct thread* t, struct context* context);
HIDDEN u64 patch_resume(u64 ip);
HIDDEN u64 patch_restart(u64 ip);

/* The handlers run on the thread's block, so any address on the stack finds it. */
INLINE struct thread* current(void) {
  return (struct thread*)((u64)__builtin_frame_address(0) & ~(BLOCK_SIZE - 1));
}

/* Trampoline entries and the bounce: stub code in low memory, which always leads into the stub proper. */
INLINE int in_low_entry(u64 ip) {
  return ip >= PATCH_CODE && ip < PATCH_CODE + PATCH_CODE_SIZE && (ip & (PATCH_BLOCK - 1)) < PATCH_BLOCK / 2;
}

static int needs_context(u64 nr) {
  switch (nr) {
  case __NR_clone:
  case __NR_clone3:
  case __NR_fork:
  case __NR_vfork:
  case __NR_execve:
  case __NR_execveat:
  case __NR_rt_sigreturn:
    return 1;
  default:
    return 0;
  }
}

struct fast_frame {
  u64 nr, a[6], ip;
};

/* On the fast path nothing is known of the guest's registers but these: enough for every call but those
 * above. */
__attribute__((used)) HIDDEN i64 trampoline_syscall(struct fast_frame* f) {
  struct thread* t = (struct thread*)((u64)f & ~(BLOCK_SIZE - 1));
  u64 nr = (u32)f->nr;
  if (needs_context(nr)) {
    t->resume_ip = f->ip;
    t->bounce = BOUNCE_SYSCALL;
    return 0;
  }
  u64 local;
  t->last_nr = nr;
  t->restart_nr = NO_RESTART;
  i64 r = local_syscall(t, nr, f->a, &local);
  if (local) {
    if (r == -EINTR)
      t->restart_nr = nr;
    return r;
  }
  struct slot* slot = t->slot;
  slot->nr = (u32)nr;
  for (int i = 0; i < 6; i++)
    slot->args[i] = f->a[i];
  CHANGE(slot->ip, f->ip);
  CHANGE(slot->sp, t->saved_sp);
  marshal(t, nr, f->a);
  struct outcome o = serve(t, EVENT_SYSCALL, 0);
  if (o.trap_after)
    t->pending = 1;
  return o.result;
}

/* A call of 32-bit programs (int 0x80, sysenter), which nobody here answers. */
static void on_foreign_call(struct thread* t, siginfo_t* info, struct context* c) {
  struct slot* slot = t->slot;
  slot->fault_signal = SIGSYS;
  slot->fault_code = info->si_code;
  slot->fault_address = (u64)info->si_call_addr;
  slot->fault_error = (u32)info->si_syscall;
  t->restart_nr = NO_RESTART;
  serve(t, EVENT_FAULT, c);
  t->last_result = c->uc.uc_mcontext.rax;
}

/* Sites of futex calls that were not patched when they could have been: they are not asked for again. */
static u64 refused_sites[16];

/* Futex calls never reach the Sentry, which says whether a site may be patched: a spurious interrupt asks it.
 */
static void patch_futex_site(struct thread* t, struct context* c, u64 ip) {
  u64* refused = &refused_sites[(ip >> 2) & 15];
  if (*refused == ip || !arch_patch_pattern(ip, __NR_futex))
    return;
  t->asks_patch = 1;
  struct outcome o = serve(t, EVENT_INTERRUPT, c);
  t->asks_patch = 0;
  if (!o.patch || !arch_patch(ip, __NR_futex))
    *refused = ip;
}

static void on_syscall(int signo, siginfo_t* info, struct context* c) {
  (void)signo;
  struct thread* t = current();
  struct sigcontext* m = &c->uc.uc_mcontext;
  if (info->si_arch != AUDIT_ARCH_X86_64) {
    on_foreign_call(t, info, c);
    return;
  }
  u64 bounce = BOUNCE_NONE;
  if (m->rip == BOUNCE_ADDRESS + 2) {
    bounce = t->bounce;
    t->bounce = BOUNCE_NONE;
    if (bounce == BOUNCE_READY) {
      t->restart_nr = NO_RESTART;
      serve(t, EVENT_READY, c);
      return;
    }
    m->rip = t->resume_ip;
    if (bounce == BOUNCE_TRAP_AFTER) {
      m->rax = t->resume_result;
      t->pending = 1;
      return;
    }
  }
  u64 nr = (u32)m->rax, ip = m->rip;
  u64 a[6] = {m->rdi, m->rsi, m->rdx, m->r10, m->r8, m->r9};
  u64 local, patch = 0;
  t->last_nr = nr;
  t->restart_nr = NO_RESTART;
  i64 r = local_syscall(t, nr, a, &local);
  if (local) {
    if (r == -EINTR)
      t->restart_nr = nr;
    m->rax = (u64)r;
    if (nr == __NR_futex && r != -EINTR && bounce == BOUNCE_NONE)
      patch_futex_site(t, c, ip);
  } else {
    struct slot* slot = t->slot;
    slot->nr = (u32)nr;
    for (int i = 0; i < 6; i++)
      slot->args[i] = a[i];
    marshal(t, nr, a);
    if (nr == __NR_rt_sigreturn)
      arch_marshal_sigreturn(t, c);
    struct outcome o = serve(t, EVENT_SYSCALL, c);
    patch = o.patch;
  }
  if (patch && bounce == BOUNCE_NONE)
    arch_patch(ip, nr);
  /* Another thread, or we, may have patched the site we came from: never return into its middle. */
  if (m->rip == ip)
    m->rip = patch_resume(ip);
  t->last_result = m->rax;
}

static void on_fault(int signo, siginfo_t* info, struct context* c) {
  struct thread* t = current();
  struct sigcontext* m = &c->uc.uc_mcontext;
  if (t->fault_ip && in_stub_text(m->rip)) {
    m->rip = t->fault_ip;
    m->rax = 1;
    t->fault_ip = 0;
    return;
  }
  if (signo == SIGILL && patch_fixup(t, c))
    return;
  struct slot* slot = t->slot;
  slot->fault_signal = (u32)signo;
  slot->fault_code = info->si_code;
  slot->fault_address = (u64)info->si_addr;
  slot->fault_error = m->err;
  t->restart_nr = NO_RESTART;
  serve(t, EVENT_FAULT, c);
  t->last_result = m->rax;
}

/* An interrupt in guest code is served by the restorer; one in the stub is kept until the thread leaves it.
 */
static void on_interrupt(int signo, siginfo_t* info, struct context* c) {
  (void)signo;
  (void)info;
  struct thread* t = current();
  struct sigcontext* m = &c->uc.uc_mcontext;
  t->pending = 1;
  u64 ip = m->rip;
  if (ip >= (u64)trampoline_check && ip < (u64)trampoline_last)
    m->rip = (u64)trampoline_check;
  else if (ip == (u64)trampoline_last)
    m->rip = m->rcx;
  else if (ip >= (u64)restorer_check && ip < (u64)restorer_end)
    m->rip = (u64)restorer_check;
  else if (ip >= (u64)wait_window && ip < (u64)wait_window_end)
    m->rip = (u64)wait_abort;
}

/* Called by the restorer with an interrupt pending. 0: the context is the stub's own, leave it for later. */
__attribute__((used)) HIDDEN int serve_pending(struct context* c) {
  struct thread* t = (struct thread*)((u64)c & ~(BLOCK_SIZE - 1));
  u64 ip = c->uc.uc_mcontext.rip;
  if (in_stub_text(ip) || in_low_entry(ip))
    return 0;
  t->pending = 0;
  serve(t, EVENT_INTERRUPT, c);
  t->restart_nr = NO_RESTART;
  t->last_result = c->uc.uc_mcontext.rax;
  return 1;
}

/* Back to the syscall instruction (or the patched site's start), its number in place. */
void arch_restart(struct thread* t, struct context* c) {
  c->uc.uc_mcontext.rip = patch_restart(c->uc.uc_mcontext.rip);
  c->uc.uc_mcontext.rax = t->last_nr;
  t->restarted = 1;
  t->restart_nr = NO_RESTART;
}

int guarded_copy(struct thread* t, void* dst, const void* src, u64 len) {
  u64 bad;
  __asm__ volatile("lea 1f(%%rip), %%rax\n"
                   "mov %%rax, %c5(%4)\n"
                   "xor %%eax, %%eax\n"
                   "rep movsb\n"
                   "1: movq $0, %c5(%4)\n"
                   : "=&a"(bad), "+D"(dst), "+S"(src), "+c"(len)
                   : "r"(t), "i"(offsetof(struct thread, fault_ip))
                   : "memory");
  return (int)bad;
}

int arch_guarded_cmpxchg32(struct thread* t, u64 addr, u32* expected, u32 desired) {
  u64 old = *expected, bad = 0;
  __asm__ volatile("lea 1f(%%rip), %%rcx\n"
                   "mov %%rcx, %c4(%3)\n"
                   "mov $1, %%ecx\n"
                   "lock cmpxchgl %k5, (%2)\n"
                   "xor %%ecx, %%ecx\n"
                   "1: movq $0, %c4(%3)\n"
                   : "+a"(old), "=&c"(bad)
                   : "r"(addr), "r"(t), "i"(offsetof(struct thread, fault_ip)), "r"(desired)
                   : "memory", "cc");
  *expected = (u32)old;
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
  host6(__NR_mmap, PATCH_TABLE, PATCH_CODE - PATCH_TABLE, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, (u64)-1, 0);
  host6(__NR_mmap, PATCH_CODE, PATCH_CODE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
        MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, (u64)-1, 0);
  *(u64*)PATCH_TABLE = (u64)trampoline_entry;
  *(volatile u8*)BOUNCE_ADDRESS = 0x0f;
  *(volatile u8*)(BOUNCE_ADDRESS + 1) = 0x05;
  *(volatile u8*)(BOUNCE_ADDRESS + 2) = 0x0f;
  *(volatile u8*)(BOUNCE_ADDRESS + 3) = 0x0b;
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
  host6(__NR_arch_prctl, ARCH_SET_GS_, (u64)t, 0, 0, 0, 0);
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
  u64 size = fpstate_size(c);
  u64 top = (u64)child + BLOCK_SIZE - 1024;
  u64 fp = (top - size) & ~63UL;
  struct context* copy = (struct context*)((fp - sizeof(struct ucontext) - 64) & ~63UL);
  memcpy((void*)fp, (void*)c->uc.uc_mcontext.fpstate, size);
  memcpy(copy, c, sizeof(struct ucontext));
  struct sigcontext* m = &copy->uc.uc_mcontext;
  m->fpstate = (struct _fpstate*)fp;
  m->rax = 0;
  if (stack)
    m->rsp = stack;
  copy->uc.uc_stack.ss_sp = (u8*)child + 4096;
  copy->uc.uc_stack.ss_size = BLOCK_SIZE - 4096;
  copy->uc.uc_stack.ss_flags = 0;
  u64 flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
              CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
  if (set_tls)
    flags |= CLONE_SETTLS;
  register u64 r10 __asm__("r10") = (u64)&child->slot->host_tid;
  register u64 r8 __asm__("r8") = tls;
  i64 r;
  __asm__ volatile("syscall\n"
                   "test %%rax, %%rax\n"
                   "jz thread_entry\n"
                   : "=a"(r)
                   : "0"((u64)__NR_clone), "D"(flags), "S"(copy), "d"(0), "r"(r10), "r"(r8)
                   : "rcx", "r11", "memory");
  return r;
}
