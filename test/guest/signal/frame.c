// The signal frame: ucontext fields, registers intact, changes by the handler taken over, leaving by siglongjmp.
// build: static
#include "../check.h"
#include <setjmp.h>
#include <sys/time.h>
#include <ucontext.h>

static volatile int count;
static sigjmp_buf jump;
static unsigned long stack_in_handler, rip_in_context, eflags;

static void look(int signal, siginfo_t* info, void* context) {
  (void)signal;
  (void)info;
  ucontext_t* u = context;
  count++;
  stack_in_handler = (unsigned long)&u;
  rip_in_context = u->uc_mcontext.gregs[REG_RIP];
  eflags = u->uc_mcontext.gregs[REG_EFL];
}

static void unblock_in_context(int signal, siginfo_t* info, void* context) {
  (void)signal;
  (void)info;
  ucontext_t* u = context;
  sigaddset(&u->uc_sigmask, SIGUSR2);
}

static void change_result(int signal, siginfo_t* info, void* context) {
  (void)signal;
  (void)info;
  ((ucontext_t*)context)->uc_mcontext.gregs[REG_RAX] = 4321;
}

static void leave(int signal) {
  count++;
  siglongjmp(jump, signal);
}

static void nothing(int signal) {
  (void)signal;
  count++;
}

// All general registers that a system call keeps.
__attribute__((noinline, naked)) static long registers_over(long number, long a, long b, long c) {
  (void)number, (void)a, (void)b, (void)c;
  __asm__ volatile(
      "push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n"
      "mov %rdi, %rax\n mov %rsi, %rdi\n mov %rdx, %rsi\n mov %rcx, %rdx\n"
      "mov $0x1111, %rbx\n mov $0x2222, %rbp\n mov $0x3333, %r12\n mov $0x4444, %r13\n"
      "mov $0x5555, %r14\n mov $0x6666, %r15\n mov $0x7777, %r8\n mov $0x8888, %r9\n mov $0x9999, %r10\n"
      "movq $0x1234, -8(%rsp)\n movq $0x5678, -128(%rsp)\n" // the red zone
      "stc\n syscall\n"
      "jnc 1f\n"
      "cmp $0x1111, %rbx\n jne 1f\n cmp $0x2222, %rbp\n jne 1f\n cmp $0x3333, %r12\n jne 1f\n"
      "cmp $0x4444, %r13\n jne 1f\n cmp $0x5555, %r14\n jne 1f\n cmp $0x6666, %r15\n jne 1f\n"
      "cmp $0x7777, %r8\n jne 1f\n cmp $0x8888, %r9\n jne 1f\n cmp $0x9999, %r10\n jne 1f\n"
      "cmpq $0x1234, -8(%rsp)\n jne 1f\n cmpq $0x5678, -128(%rsp)\n jne 1f\n"
      "mov $1, %rax\n jmp 2f\n 1: mov $0, %rax\n"
      "2: pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n ret\n");
}

static void install(int signal, void (*function)(int, siginfo_t*, void*)) {
  struct sigaction action = {.sa_sigaction = function, .sa_flags = SA_SIGINFO};
  must(sigaction(signal, &action, NULL));
}

int main(void) {
  install(SIGUSR1, look);
  raise(SIGUSR1);
  equal("the handler ran", count, 1);
  holds("its stack is 16-byte aligned as after a call", (stack_in_handler & 7) == 0);
  holds("rip in the context", rip_in_context != 0);
  holds("interrupts are on in eflags", eflags & 0x200);

  equal("registers and red zone over getppid", registers_over(SYS_getppid, 0, 0, 0), 1);
  int good = 0;
  for (int i = 0; i < 100; i++) good += registers_over(SYS_getppid, 0, 0, 0);
  equal("a hundred times", good, 100);
  good = 0;
  for (int i = 0; i < 100; i++) good += registers_over(SYS_tgkill, getpid(), getpid(), SIGUSR1);
  equal("registers and red zone over a handler", good, 100);
  equal("handlers ran", count, 101);
  equal("over an unknown call", registers_over(9999, 0, 0, 0), 1);
  equal("over a failing call", registers_over(SYS_close, -1, 0, 0), 1);

  install(SIGUSR1, unblock_in_context);
  raise(SIGUSR1);
  sigset_t mask;
  sigprocmask(SIG_BLOCK, NULL, &mask);
  holds("a mask written into the context is taken over", sigismember(&mask, SIGUSR2));
  sigemptyset(&mask);
  sigprocmask(SIG_SETMASK, &mask, NULL);

  install(SIGUSR1, change_result);
  long result = syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1);
  equal("a result written into the context is taken over", result, 4321);

  signal(SIGUSR1, leave);
  count = 0;
  for (volatile int i = 0; i < 500; i++) {
    if (sigsetjmp(jump, 1) == 0) raise(SIGUSR1);
  }
  equal("left by siglongjmp five hundred times", count, 500);
  sigprocmask(SIG_BLOCK, NULL, &mask);
  equal("nothing is blocked after", sigismember(&mask, SIGUSR1), 0);

  // Timers hit code that computes.
  signal(SIGALRM, nothing);
  count = 0;
  struct itimerval timer = {.it_value = {0, 500}, .it_interval = {0, 500}};
  setitimer(ITIMER_REAL, &timer, NULL);
  unsigned long hash = 1;
  long rounds = 0;
  while (count < 100) {
    unsigned long h = 1;
    for (int i = 0; i < 10000; i++) h = h * 6364136223846793005UL + 1442695040888963407UL;
    if (rounds++ == 0) hash = h;
    else if (h != hash) break;
  }
  memset(&timer, 0, sizeof timer);
  setitimer(ITIMER_REAL, &timer, NULL);
  holds("a hundred handlers in running code corrupt nothing", count >= 100);

  // A frame that can't be written, and one that can't be read.
  pid_t pid = must(fork());
  if (pid == 0) {
    signal(SIGUSR1, nothing);
    __asm__ volatile("mov $8, %%rsp\n mov %0, %%eax\n mov %1, %%edi\n mov %1, %%esi\n mov %2, %%edx\n syscall\n hlt" ::"i"(SYS_tgkill),
                     "r"(getpid()), "i"(SIGUSR1)
                     : "memory");
  }
  equal("no stack for the frame: SIGSEGV", status_of(pid), 1000 + SIGSEGV);
  pid = must(fork());
  if (pid == 0) {
    __asm__ volatile("mov $8, %%rsp\n mov %0, %%eax\n syscall\n hlt" ::"i"(SYS_rt_sigreturn) : "memory");
  }
  equal("sigreturn without a frame: SIGSEGV", status_of(pid), 1000 + SIGSEGV);
  return check_done();
}
