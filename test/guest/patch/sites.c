/*
 * Thousands of fresh system call sites of the two shapes that the platform rewrites, first run by several
 * threads at once while signals arrive: every result must be right, and no register that a call preserves may
 * change.
 */
#include "../check.h"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#if defined(__x86_64__)

#define THREADS 4
#define ROUNDS 20
#define SITES 400
#define SITE_SIZE 48

static unsigned char* code;
static pthread_barrier_t barrier;
static volatile int stop;
static volatile long signals;
static long expected;
static volatile long bad_results, bad_registers;

static unsigned char* put(unsigned char* p, const void* bytes, size_t n) {
  memcpy(p, bytes, n);
  return p + n;
}

/* mov $nr,%eax; syscall; ret      at an offset that moves the site through all alignments */
static void emit_mov(unsigned char* p, int nr) {
  *p++ = 0xb8;
  p = put(p, &nr, 4);
  put(p, "\x0f\x05\xc3", 3);
}

/* mov %edi,%eax; syscall; cmp $-4095,%rax; jae 1f; ret; 1: mov $-1,%rax; ret */
static void emit_cmp(unsigned char* p) {
  put(p, "\x89\xf8\x0f\x05\x48\x3d\x01\xf0\xff\xff\x73\x01\xc3\x48\xc7\xc0\xff\xff\xff\xff\xc3", 21);
}

static unsigned char* site(int i) {
  return code + i * SITE_SIZE + (i * 5) % 17;
}

/* Calls the site and checks what the kernel promises to keep: everything but rax, rcx and r11. */
static long call_site(unsigned char* at, long nr, int* kept) {
  long result;
  register long rdi __asm__("rdi") = nr;
  register long rsi __asm__("rsi") = FUTEX_WAKE_PRIVATE, rdx __asm__("rdx") = 0x2222, r10 __asm__("r10") = 0x3333;
  register long r8 __asm__("r8") = 0x4444, r9 __asm__("r9") = 0x5555, rbx __asm__("rbx") = 0x6666;
  register long r12 __asm__("r12") = 0x7777;
  __asm__ volatile("sub $256, %%rsp\n call *%[at]\n add $256, %%rsp\n"
                   : "=a"(result), "+r"(rdi), "+r"(rsi), "+r"(rdx), "+r"(r10), "+r"(r8), "+r"(r9), "+r"(rbx),
                     "+r"(r12)
                   : [at] "0"(at)
                   : "rcx", "r11", "memory", "cc");
  *kept = rdi == nr && rsi == FUTEX_WAKE_PRIVATE && rdx == 0x2222 && r10 == 0x3333 && r8 == 0x4444 && r9 == 0x5555 &&
          rbx == 0x6666 && r12 == 0x7777;
  return result;
}

/* Some calls are done by the stub, others by the Sentry. */
static long number(int i) {
  return i % 3 == 2 ? SYS_futex : SYS_getppid;
}

/* A futex cannot lie at an odd address like 202, the call's own number. */
static long wanted(int i) {
  if (number(i) == SYS_getppid)
    return expected;
  return i & 1 ? -1 : -EINVAL;
}

static void on_signal(int signo) {
  (void)signo;
  signals++;
  /* The handler's own calls pass through the stub while the thread stands inside a site. */
  if (syscall(SYS_getppid) != expected)
    bad_results++;
}

static void* run(void* arg) {
  (void)arg;
  for (int round = 0; round < ROUNDS; round++) {
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < SITES; i++) {
      int kept;
      if (call_site(site(i), number(i), &kept) != wanted(i))
        __atomic_add_fetch(&bad_results, 1, __ATOMIC_RELAXED);
      if (!kept)
        __atomic_add_fetch(&bad_registers, 1, __ATOMIC_RELAXED);
    }
    pthread_barrier_wait(&barrier);
  }
  return 0;
}

static void* pester(void* arg) {
  pthread_t* threads = arg;
  while (!stop) {
    for (int i = 0; i < THREADS; i++)
      pthread_kill(threads[i], SIGUSR1);
    usleep(200);
  }
  return 0;
}

/* Fresh bytes over the old ones: the platform must patch (or not) anew. */
static void write_sites(void) {
  mmap(code, SITES * SITE_SIZE + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
       0);
  memset(code, 0xcc, SITES * SITE_SIZE);
  for (int i = 0; i < SITES; i++) {
    if (i & 1)
      emit_cmp(site(i));
    else
      emit_mov(site(i), number(i));
  }
  mprotect(code, SITES * SITE_SIZE + 4096, PROT_READ | PROT_EXEC);
}

int main(void) {
  expected = getppid();
  code = mmap(0, SITES * SITE_SIZE + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct sigaction sa = {0};
  sa.sa_handler = on_signal;
  sa.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &sa, 0);
  pthread_barrier_init(&barrier, 0, THREADS + 1);
  pthread_t threads[THREADS], pesterer;
  for (long i = 0; i < THREADS; i++)
    pthread_create(&threads[i], 0, run, 0);
  pthread_create(&pesterer, 0, pester, threads);
  for (int round = 0; round < ROUNDS; round++) {
    write_sites();
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
  }
  stop = 1;
  pthread_join(pesterer, 0);
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], 0);
  equal("results", bad_results, 0);
  equal("registers", bad_registers, 0);
  equal("signals came", signals > 0, 1);
  return check_done();
}

#else

int main(void) {
  return check_done();
}

#endif
