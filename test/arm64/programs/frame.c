// The signal frame of arm64: registers, flags and vector registers intact, what a handler changes taken over.
// build: static -pthread
#include "../../guest/check.h"
#include <asm/sigcontext.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/time.h>
#include <ucontext.h>

static volatile int count;
static sigjmp_buf jump;

static struct _aarch64_ctx* record(ucontext_t* u, unsigned magic) {
  char* at = (char*)u->uc_mcontext.__reserved;
  for (;;) {
    struct _aarch64_ctx* head = (struct _aarch64_ctx*)at;
    if (head->magic == magic) return head;
    if (head->magic == 0) return NULL;
    at += head->size;
  }
}

static void spoil(void) {
  __asm__ volatile(
      "movi v0.16b, #1\n movi v7.16b, #2\n movi v8.16b, #3\n movi v15.16b, #4\n movi v16.16b, #5\n movi v31.16b, #6\n"
      "mrs x9, fpcr\n orr x9, x9, #0x400000\n msr fpcr, x9\n mov x9, #0x8000000\n msr fpsr, x9\n"
      "mov x9, #-1\n mov x10, #-1\n mov x17, #-1\n cmp x9, #1\n" ::
          : "x9", "x10", "x17", "cc", "v0", "v7", "v8", "v15", "v16", "v31");
}

static void spoiling(int signal) {
  (void)signal;
  count++;
  spoil();
}

static unsigned long pc_in_context, sp_in_context, frame_address, return_address;

static void look(int signal, siginfo_t* info, void* context) {
  ucontext_t* u = context;
  count++;
  pc_in_context = u->uc_mcontext.pc;
  sp_in_context = u->uc_mcontext.sp;
  frame_address = (unsigned long)info;
  return_address = (unsigned long)__builtin_return_address(0);
  holds("the frame is siginfo, then ucontext", (char*)context == (char*)info + 128);
  holds("and is aligned to 16", ((unsigned long)info & 15) == 0);
  equal("the signal in the siginfo", info->si_signo, signal);
  struct fpsimd_context* fp = (struct fpsimd_context*)record(u, FPSIMD_MAGIC);
  holds("it has the vector registers", fp != NULL && fp->head.size == sizeof *fp);
  unsigned long code[2];
  memcpy(code, (void*)return_address, 8);
  holds("it returns to rt_sigreturn", code[0] == 0xd4000001d2801168UL);
}

// x1-x15, x18-x28, flags and four vector registers set, then one call; 1 if all of them are as before.
__attribute__((noinline)) static long registers_over(long number, long a, long b, long c) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  long good;
  __asm__ volatile(
      "mov x3, #0x33\n mov x4, #0x44\n mov x5, #0x55\n mov x6, #0x66\n mov x7, #0x77\n mov x9, #0x99\n"
      "mov x10, #0x10\n mov x11, #0x11\n mov x12, #0x12\n mov x13, #0x13\n mov x14, #0x14\n mov x15, #0x15\n"
      "mov x16, #0x16\n mov x17, #0x17\n mov x20, #0x20\n mov x21, #0x21\n mov x28, #0x28\n"
      "movi v0.16b, #0xa0\n movi v8.16b, #0xa8\n movi v16.16b, #0xb0\n movi v31.16b, #0xbf\n"
      "mov x19, #3\n cmp x19, #7\n svc #0\n"
      "b.cs 1f\n b.pl 1f\n"
      "cmp x3, #0x33\n b.ne 1f\n cmp x4, #0x44\n b.ne 1f\n cmp x5, #0x55\n b.ne 1f\n cmp x6, #0x66\n b.ne 1f\n"
      "cmp x7, #0x77\n b.ne 1f\n cmp x9, #0x99\n b.ne 1f\n cmp x10, #0x10\n b.ne 1f\n cmp x11, #0x11\n b.ne 1f\n"
      "cmp x12, #0x12\n b.ne 1f\n cmp x13, #0x13\n b.ne 1f\n cmp x14, #0x14\n b.ne 1f\n cmp x15, #0x15\n b.ne 1f\n"
      "cmp x16, #0x16\n b.ne 1f\n cmp x17, #0x17\n b.ne 1f\n cmp x19, #3\n b.ne 1f\n cmp x20, #0x20\n b.ne 1f\n"
      "cmp x21, #0x21\n b.ne 1f\n cmp x28, #0x28\n b.ne 1f\n"
      "umov w3, v0.b[15]\n cmp w3, #0xa0\n b.ne 1f\n umov w3, v8.b[15]\n cmp w3, #0xa8\n b.ne 1f\n"
      "umov w3, v16.b[15]\n cmp w3, #0xb0\n b.ne 1f\n umov w3, v31.b[15]\n cmp w3, #0xbf\n b.ne 1f\n"
      "mov x19, #1\n b 2f\n 1: mov x19, #0\n 2: mov %[good], x19\n"
      : [good] "=r"(good), "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x8)
      :
      : "memory", "cc", "x3", "x4", "x5", "x6", "x7", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17",
        "x19", "x20", "x21", "x28", "v0", "v8", "v16", "v31");
  return good;
}

static void change_context(int signal, siginfo_t* info, void* context) {
  (void)signal;
  (void)info;
  ucontext_t* u = context;
  u->uc_mcontext.regs[0] = 4321;
  u->uc_mcontext.regs[20] = 77;
  sigaddset(&u->uc_sigmask, SIGUSR2);
  struct fpsimd_context* fp = (struct fpsimd_context*)record(u, FPSIMD_MAGIC);
  fp->vregs[9] = ((__uint128_t)0x1122 << 64) | 0x3344;
}

static void changed_context(void) {
  long pid = getpid();
  register long x8 __asm__("x8") = SYS_tgkill;
  register long x0 __asm__("x0") = pid;
  register long x1 __asm__("x1") = pid;
  register long x2 __asm__("x2") = SIGUSR1;
  long twenty, low, high;
  __asm__ volatile("mov x20, #5\n svc #0\n mov %0, x20\n umov %1, v9.d[0]\n umov %2, v9.d[1]\n"
                   : "=&r"(twenty), "=&r"(low), "=&r"(high), "+r"(x0)
                   : "r"(x8), "r"(x1), "r"(x2)
                   : "memory", "x20", "v9");
  equal("a result written into the context", x0, 4321);
  equal("another register", twenty, 77);
  equal("a vector register's low half", low, 0x3344);
  equal("its high half", high, 0x1122);
  sigset_t mask;
  sigprocmask(SIG_BLOCK, NULL, &mask);
  holds("the mask", sigismember(&mask, SIGUSR2));
  sigemptyset(&mask);
  sigprocmask(SIG_SETMASK, &mask, NULL);
}

static void leave(int signal) {
  count++;
  siglongjmp(jump, signal);
}

static void on_alarm(int signal) {
  (void)signal;
  count++;
  spoil();
}

static void in_running_code(void) {
  signal(SIGALRM, on_alarm);
  count = 0;
  struct itimerval timer = {.it_value = {0, 5000}, .it_interval = {0, 5000}};
  setitimer(ITIMER_REAL, &timer, NULL);
  int wrong = 0;
  unsigned long first = 0;
  double first_sum = 0;
  while (count < 40 && !wrong) {
    unsigned long h = 1;
    double sum = 0;
    for (int i = 0; i < 10000; i++) {
      h = h * 6364136223846793005UL + 1442695040888963407UL;
      sum += 1.0 / (double)(i + 1);
    }
    if (first == 0) first = h, first_sum = sum;
    wrong = h != first || sum != first_sum;
  }
  memset(&timer, 0, sizeof timer);
  setitimer(ITIMER_REAL, &timer, NULL);
  equal("handlers in running code corrupt nothing", wrong, 0);
}

static void* in_thread(void* unused) {
  (void)unused;
  long good = 0;
  for (int i = 0; i < 30; i++) good += registers_over(SYS_tgkill, getpid(), gettid(), SIGUSR1);
  return (void*)good;
}

int main(void) {
  struct sigaction action = {.sa_sigaction = look, .sa_flags = SA_SIGINFO};
  must(sigaction(SIGUSR1, &action, NULL));
  raise(SIGUSR1);
  equal("the handler ran", count, 1);
  holds("pc and sp in the context", pc_in_context != 0 && sp_in_context > frame_address);

  equal("registers over getppid", registers_over(SYS_getppid, 0, 0, 0), 1);
  equal("over an unknown call", registers_over(9999, 0, 0, 0), 1);
  equal("over a failing call", registers_over(SYS_close, -1, 0, 0), 1);
  signal(SIGUSR1, spoiling);
  count = 0;
  int good = 0;
  for (int i = 0; i < 100; i++) good += registers_over(SYS_tgkill, getpid(), getpid(), SIGUSR1);
  equal("registers over a handler that spoils them", good, 100);
  equal("handlers ran", count, 100);
  unsigned long fpcr, fpsr;
  __asm__ volatile("mrs %0, fpcr\n mrs %1, fpsr" : "=r"(fpcr), "=r"(fpsr));
  equal("rounding mode as before", fpcr & 0xc00000, 0);
  equal("sticky flags as before", fpsr & 0x8000000, 0);
  pthread_t threads[3];
  for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, in_thread, NULL);
  long sum = 0;
  for (int i = 0; i < 3; i++) {
    void* result;
    pthread_join(threads[i], &result);
    sum += (long)result;
  }
  equal("in threads", sum, 90);

  action.sa_sigaction = change_context;
  must(sigaction(SIGUSR1, &action, NULL));
  changed_context();

  signal(SIGUSR1, leave);
  count = 0;
  for (volatile int i = 0; i < 200; i++)
    if (sigsetjmp(jump, 1) == 0) raise(SIGUSR1);
  equal("left by siglongjmp", count, 200);
  in_running_code();

  pid_t pid = must(fork());
  if (pid == 0) {
    signal(SIGUSR1, spoiling);
    long own = getpid();
    register long x8 __asm__("x8") = SYS_tgkill;
    register long x0 __asm__("x0") = own;
    register long x1 __asm__("x1") = own;
    register long x2 __asm__("x2") = SIGUSR1;
    __asm__ volatile("mov x9, #16\n mov sp, x9\n svc #0\n udf #0" ::"r"(x8), "r"(x0), "r"(x1), "r"(x2) : "memory", "x9");
  }
  equal("no stack for the frame: SIGSEGV", status_of(pid), 1000 + SIGSEGV);
  pid = must(fork());
  if (pid == 0) __asm__ volatile("mov x9, #16\n mov sp, x9\n mov x8, #139\n svc #0\n udf #0" ::: "memory", "x8", "x9");
  equal("sigreturn without a frame: SIGSEGV", status_of(pid), 1000 + SIGSEGV);
  return check_done();
}
