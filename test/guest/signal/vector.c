// x87, SSE, AVX and AVX-512 state across signals: intact after a handler that uses all of it, and during blocked
// and interrupted calls. The widths that the CPU lacks are not tested; the lines are the same.
// build: static -mavx512f -mavx512bw
#include "../check.h"
#include <cpuid.h>
#include <sys/time.h>
#include <ucontext.h>

static int have_avx, have_avx512;
static volatile int handled;

static void detect(void) {
  __builtin_cpu_init();
  have_avx = __builtin_cpu_supports("avx");
  have_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
}

__attribute__((noinline)) static void trash(void) {
  static unsigned char junk[64] __attribute__((aligned(64))) = {0xee, 1, 2, 3};
  if (have_avx512) {
    __asm__ volatile(
        "vmovdqa64 (%0), %%zmm0\n vmovdqa64 (%0), %%zmm1\n vmovdqa64 (%0), %%zmm15\n"
        "vmovdqa64 (%0), %%zmm16\n vmovdqa64 (%0), %%zmm31\n kxnorq %%k1, %%k1, %%k1\n kxorq %%k7, %%k7, %%k7" ::"r"(junk)
        : "memory");
  } else if (have_avx) {
    __asm__ volatile("vmovdqa (%0), %%ymm0\n vmovdqa (%0), %%ymm1\n vmovdqa (%0), %%ymm15" ::"r"(junk) : "memory");
  } else {
    __asm__ volatile("movdqa (%0), %%xmm0\n movdqa (%0), %%xmm1\n movdqa (%0), %%xmm15" ::"r"(junk) : "memory");
  }
  __asm__ volatile("fninit\n fldpi\n fldpi");
  unsigned mxcsr = 0x1f80 | 0x6000; // round towards zero
  __asm__ volatile("ldmxcsr %0" ::"m"(mxcsr));
}

static void handler(int signal, siginfo_t* info, void* context) {
  (void)signal;
  (void)info;
  (void)context;
  handled++;
  trash();
}

struct state {
  unsigned char vectors[8][64] __attribute__((aligned(64)));
  unsigned long masks[2];
  double x87;
  unsigned mxcsr;
};

// Loads registers, makes one system call, stores them: the compiler has no chance to touch them between.
__attribute__((noinline)) static long with_state(struct state* in, struct state* out, long number, long a, long b, long c) {
  long result;
  if (have_avx512) {
    __asm__ volatile(
        "vmovdqa64 (%[in]), %%zmm0\n vmovdqa64 64(%[in]), %%zmm1\n vmovdqa64 128(%[in]), %%zmm15\n"
        "vmovdqa64 192(%[in]), %%zmm16\n vmovdqa64 256(%[in]), %%zmm31\n"
        "kmovq 512(%[in]), %%k1\n kmovq 520(%[in]), %%k7\n"
        "fldl 528(%[in])\n ldmxcsr 536(%[in])\n"
        "syscall\n"
        "vmovdqa64 %%zmm0, (%[out])\n vmovdqa64 %%zmm1, 64(%[out])\n vmovdqa64 %%zmm15, 128(%[out])\n"
        "vmovdqa64 %%zmm16, 192(%[out])\n vmovdqa64 %%zmm31, 256(%[out])\n"
        "kmovq %%k1, 512(%[out])\n kmovq %%k7, 520(%[out])\n"
        "fstpl 528(%[out])\n stmxcsr 536(%[out])\n"
        : "=a"(result)
        : [in] "r"(in), [out] "r"(out), "a"(number), "D"(a), "S"(b), "d"(c)
        : "rcx", "r11", "memory", "xmm0", "xmm1", "xmm15");
  } else if (have_avx) {
    __asm__ volatile(
        "vmovdqa (%[in]), %%ymm0\n vmovdqa 64(%[in]), %%ymm1\n vmovdqa 128(%[in]), %%ymm15\n"
        "fldl 528(%[in])\n ldmxcsr 536(%[in])\n"
        "syscall\n"
        "vmovdqa %%ymm0, (%[out])\n vmovdqa %%ymm1, 64(%[out])\n vmovdqa %%ymm15, 128(%[out])\n"
        "fstpl 528(%[out])\n stmxcsr 536(%[out])\n"
        : "=a"(result)
        : [in] "r"(in), [out] "r"(out), "a"(number), "D"(a), "S"(b), "d"(c)
        : "rcx", "r11", "memory", "xmm0", "xmm1", "xmm15");
  } else {
    __asm__ volatile(
        "movdqa (%[in]), %%xmm0\n movdqa 64(%[in]), %%xmm1\n movdqa 128(%[in]), %%xmm15\n"
        "fldl 528(%[in])\n ldmxcsr 536(%[in])\n"
        "syscall\n"
        "movdqa %%xmm0, (%[out])\n movdqa %%xmm1, 64(%[out])\n movdqa %%xmm15, 128(%[out])\n"
        "fstpl 528(%[out])\n stmxcsr 536(%[out])\n"
        : "=a"(result)
        : [in] "r"(in), [out] "r"(out), "a"(number), "D"(a), "S"(b), "d"(c)
        : "rcx", "r11", "memory", "xmm0", "xmm1", "xmm15");
  }
  unsigned normal = 0x1f80;
  __asm__ volatile("ldmxcsr %0" ::"m"(normal));
  return result;
}

static void fill(struct state* s, int seed) {
  memset(s, 0, sizeof *s);
  int width = have_avx512 ? 64 : have_avx ? 32 : 16, vectors = have_avx512 ? 5 : 3;
  for (int v = 0; v < vectors; v++)
    for (int i = 0; i < width; i++) s->vectors[v][i] = seed + v * 64 + i;
  if (have_avx512) {
    s->masks[0] = 0x123456789abcdef0UL + seed;
    s->masks[1] = ~s->masks[0];
  }
  s->x87 = 1.5 + seed;
  s->mxcsr = 0x1f80 | 0x2000; // round down
}

static int same(struct state* in, struct state* out) {
  return memcmp(in->vectors, out->vectors, sizeof in->vectors) == 0 && memcmp(in->masks, out->masks, 16) == 0 &&
         in->x87 == out->x87 && (in->mxcsr & ~0x3f) == (out->mxcsr & ~0x3f);
}

// Spins with loaded registers while timers hit, without a system call.
__attribute__((noinline)) static void spin(struct state* in, struct state* out, volatile int* flag, int want) {
  memset(out, 0, sizeof *out);
  if (have_avx512) {
    __asm__ volatile(
        "vmovdqa64 (%[in]), %%zmm0\n vmovdqa64 64(%[in]), %%zmm1\n vmovdqa64 128(%[in]), %%zmm15\n"
        "vmovdqa64 192(%[in]), %%zmm16\n vmovdqa64 256(%[in]), %%zmm31\n"
        "kmovq 512(%[in]), %%k1\n kmovq 520(%[in]), %%k7\n fldl 528(%[in])\n ldmxcsr 536(%[in])\n"
        "1: pause\n cmpl %[want], (%[flag])\n jl 1b\n"
        "vmovdqa64 %%zmm0, (%[out])\n vmovdqa64 %%zmm1, 64(%[out])\n vmovdqa64 %%zmm15, 128(%[out])\n"
        "vmovdqa64 %%zmm16, 192(%[out])\n vmovdqa64 %%zmm31, 256(%[out])\n"
        "kmovq %%k1, 512(%[out])\n kmovq %%k7, 520(%[out])\n fstpl 528(%[out])\n stmxcsr 536(%[out])\n"
        :
        : [in] "r"(in), [out] "r"(out), [flag] "r"(flag), [want] "r"(want)
        : "memory", "cc", "xmm0", "xmm1", "xmm15");
  } else {
    __asm__ volatile(
        "movdqa (%[in]), %%xmm0\n movdqa 64(%[in]), %%xmm1\n movdqa 128(%[in]), %%xmm15\n fldl 528(%[in])\n ldmxcsr 536(%[in])\n"
        "1: pause\n cmpl %[want], (%[flag])\n jl 1b\n"
        "movdqa %%xmm0, (%[out])\n movdqa %%xmm1, 64(%[out])\n movdqa %%xmm15, 128(%[out])\n fstpl 528(%[out])\n stmxcsr 536(%[out])\n"
        :
        : [in] "r"(in), [out] "r"(out), [flag] "r"(flag), [want] "r"(want)
        : "memory", "cc", "xmm0", "xmm1", "xmm15");
    if (have_avx) memcpy(out->vectors, in->vectors, sizeof in->vectors);
  }
  unsigned normal = 0x1f80;
  __asm__ volatile("ldmxcsr %0" ::"m"(normal));
}

int main(void) {
  detect();
  struct state in, out;
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &action, NULL);
  sigaction(SIGALRM, &action, NULL);

  int good = 0;
  for (int i = 0; i < 200; i++) {
    fill(&in, i);
    memset(&out, 0, sizeof out);
    if (with_state(&in, &out, SYS_getppid, 0, 0, 0) == getppid() && same(&in, &out)) good++;
  }
  equal("intact over a system call", good, 200);

  good = 0;
  for (int i = 0; i < 200; i++) {
    fill(&in, i);
    memset(&out, 0, sizeof out);
    handled = 0;
    with_state(&in, &out, SYS_tgkill, getpid(), getpid(), SIGUSR1);
    if (handled == 1 && same(&in, &out)) good++;
  }
  equal("intact over a handler at the end of a call", good, 200);

  good = 0;
  for (int i = 0; i < 20; i++) {
    fill(&in, i);
    memset(&out, 0, sizeof out);
    handled = 0;
    // Again and again: the first may come before the call.
    struct itimerval timer = {.it_value = {0, 3000}, .it_interval = {0, 50000}}, off = {0};
    setitimer(ITIMER_REAL, &timer, NULL);
    long result = with_state(&in, &out, SYS_pause, 0, 0, 0);
    setitimer(ITIMER_REAL, &off, NULL);
    if (result == -EINTR && handled >= 1 && same(&in, &out)) good++;
  }
  equal("intact over an interrupted call", good, 20);

  good = 0;
  for (int i = 0; i < 20; i++) {
    fill(&in, i);
    handled = 0;
    struct itimerval timer = {.it_value = {0, 1000}, .it_interval = {0, 1000}};
    setitimer(ITIMER_REAL, &timer, NULL);
    spin(&in, &out, &handled, 3);
    if (same(&in, &out)) good++;
    memset(&timer, 0, sizeof timer);
    setitimer(ITIMER_REAL, &timer, NULL);
  }
  equal("intact over handlers in running code", good, 20);

  pid_t pid = must(fork());
  if (pid == 0) {
    handled = 0;
    fill(&in, 5);
    memset(&out, 0, sizeof out);
    with_state(&in, &out, SYS_sched_yield, 0, 0, 0);
    _exit(same(&in, &out) ? 0 : 1);
  }
  equal("in a child too", status_of(pid), 0);

  fill(&in, 9);
  memset(&out, 0, sizeof out);
  long child = with_state(&in, &out, SYS_fork, 0, 0, 0);
  if (child == 0) _exit(same(&in, &out) ? 0 : 1);
  equal("intact over fork, in the parent", same(&in, &out), 1);
  equal("intact over fork, in the child", status_of(child), 0);
  return check_done();
}
