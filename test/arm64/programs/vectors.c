// Scalable vectors (SVE) over handlers: registers, predicates and what a handler changes. Without SVE: nothing to do.
// build: static -pthread -march=armv8-a+sve
#include "../../guest/check.h"
#include <asm/hwcap.h>
#include <asm/sigcontext.h>
#include <sys/auxv.h>
#include <sys/time.h>
#include <ucontext.h>

static volatile int count, changing;

static struct sve_context* record(ucontext_t* u) {
  char* at = (char*)u->uc_mcontext.__reserved;
  for (struct _aarch64_ctx* head; (head = (struct _aarch64_ctx*)at)->magic != 0; at += head->size)
    if (head->magic == SVE_MAGIC) return (struct sve_context*)head;
  return NULL;
}

static void spoil(int signal, siginfo_t* info, void* context) {
  (void)signal;
  (void)info;
  struct sve_context* sve = record(context);
  if (count++ == 0) holds("the frame has a record of them", sve != NULL);
  if (changing && sve != NULL && sve->head.size > 64) {
    unsigned vq = sve_vq_from_vl(sve->vl);
    ((unsigned char*)sve)[SVE_SIG_ZREG_OFFSET(vq, 9) + sve->vl - 1] = 0x5a;
    changing = 0;
  }
  __asm__ volatile("dup z9.b, #1\n dup z20.b, #2\n dup z0.b, #3\n pfalse p1.b\n pfalse p7.b" :::
                       "z9", "z20", "z0", "p1", "p7");
}

// Sets registers, computes until a handler has run, looks at the last bytes.
static long over_a_handler(int want) {
  unsigned long z9 = 0, z20 = 0, predicate = 0;
  int before = count;
  const volatile int* at = &count;
  __asm__ volatile(
      "dup z9.b, #9\n dup z20.b, #20\n ptrue p1.b\n"
      "1: ldr w9, [%3]\n cmp w9, %w4\n b.eq 1b\n"
      "ptrue p2.b\n lastb %w0, p2, z9.b\n lastb %w1, p2, z20.b\n cntp %2, p1, p1.b\n"
      : "+r"(z9), "+r"(z20), "+r"(predicate)
      : "r"(at), "r"(before)
      : "memory", "cc", "x9", "z9", "z20", "p1", "p2");
  unsigned long bytes;
  __asm__ volatile("cntb %0" : "=r"(bytes));
  return z9 == (unsigned long)want && z20 == 20 && predicate == bytes;
}

int main(void) {
  if (!(getauxval(AT_HWCAP) & HWCAP_SVE)) {
    say("ok no scalable vectors here\n");
    return 0;
  }
  struct sigaction action = {.sa_sigaction = spoil, .sa_flags = SA_SIGINFO};
  must(sigaction(SIGALRM, &action, NULL));
  struct itimerval timer = {.it_value = {0, 20000}, .it_interval = {0, 20000}};
  setitimer(ITIMER_REAL, &timer, NULL);
  long good = 0;
  for (int i = 0; i < 30; i++) good += over_a_handler(9);
  equal("registers and predicates over handlers", good, 30);
  changing = 1;
  equal("a change by a handler is taken over", over_a_handler(0x5a), 1);
  equal("once", changing, 0);
  return check_done();
}
