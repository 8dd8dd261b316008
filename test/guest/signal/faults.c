// Faults of the program itself: the signal, si_code and si_addr, the registers in the context, going on after it.
// build: static -mavx
#include "../check.h"
#include <setjmp.h>
#include <ucontext.h>

static sigjmp_buf jump;
static siginfo_t info;
static volatile unsigned long trapno, error_code, cr2, rip;
static volatile int skip;

static void handler(int signal, siginfo_t* i, void* context) {
  ucontext_t* u = context;
  (void)signal;
  info = *i;
  trapno = u->uc_mcontext.gregs[REG_TRAPNO];
  error_code = u->uc_mcontext.gregs[REG_ERR];
  cr2 = u->uc_mcontext.gregs[REG_CR2];
  rip = u->uc_mcontext.gregs[REG_RIP];
  if (skip) {
    u->uc_mcontext.gregs[REG_RIP] += skip;
    u->uc_mcontext.gregs[REG_RAX] = 1234;
    return;
  }
  siglongjmp(jump, 1);
}

#define fault(...)                         \
  do {                                     \
    memset(&info, 0, sizeof info);         \
    if (sigsetjmp(jump, 1) == 0) {         \
      __VA_ARGS__;                         \
      say("FAIL no fault\n");              \
    }                                      \
  } while (0)

static void expect(const char* name, int signal, int code, void* address) {
  char line[100];
  snprintf(line, sizeof line, "%s: signal", name);
  equal(line, info.si_signo, signal);
  snprintf(line, sizeof line, "%s: si_code", name);
  equal(line, info.si_code, code);
  snprintf(line, sizeof line, "%s: si_addr", name);
  equal(line, info.si_addr == address, 1);
}

int main(void) {
  int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
  for (int i = 0; i < 5; i++) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    must(sigaction(signals[i], &action, NULL));
  }
  volatile char* null = NULL;
  fault(*null = 1);
  expect("write to null", SIGSEGV, SEGV_MAPERR, NULL);
  equal("trapno is page fault", trapno, 14);
  equal("error code is a user's write", error_code, 6);
  equal("cr2", cr2, 0);
  fault((void)*(volatile char*)(0x123456789000 + 5));
  expect("read of nothing", SIGSEGV, SEGV_MAPERR, (void*)(0x123456789000 + 5));
  equal("error code is a user's read", error_code, 4);

  char* page = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  (void)*(volatile char*)page;
  fault(*(volatile char*)(page + 100) = 1);
  expect("write to read-only", SIGSEGV, SEGV_ACCERR, page + 100);
  equal("error code is protection", error_code, 7);
  mprotect(page, 4096, PROT_NONE);
  fault((void)*(volatile char*)(page + 7));
  expect("read of PROT_NONE", SIGSEGV, SEGV_ACCERR, page + 7);
  fault(((void (*)(void))(page + 4096))());
  expect("running what isn't code", SIGSEGV, SEGV_ACCERR, page + 4096);
  holds("rip is where", rip == (unsigned long)page + 4096);
  munmap(page, 8192);
  fault(((void (*)(void))page)());
  expect("running what isn't there", SIGSEGV, SEGV_MAPERR, page);

  fault(*(volatile char*)0x8000000000000000UL = 1);
  expect("non-canonical address", SIGSEGV, SI_KERNEL, NULL);
  equal("trapno is general protection", trapno, 13);
  fault(__asm__ volatile("hlt"));
  expect("privileged instruction", SIGSEGV, SI_KERNEL, NULL);

  enter_directory("faults");
  int fd = must(open("f", O_CREAT | O_RDWR, 0600));
  must(ftruncate(fd, 4096));
  char* file = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  fault(*(volatile char*)(file + 4096) = 1);
  expect("past the end of a mapped file", SIGBUS, BUS_ADRERR, file + 4096);
  must(ftruncate(fd, 0));
  fault(*(volatile char*)file = 1);
  expect("after truncation", SIGBUS, BUS_ADRERR, file);

  volatile int zero = 0, one = 1;
  void* here = NULL;
  fault(__asm__ volatile("lea 1f(%%rip), %0\n mov %0, (%1)\n xor %%edx, %%edx\n mov $1, %%eax\n 1: divl %2"
                         : "=&r"(here)
                         : "r"(&here), "m"(zero)
                         : "eax", "edx", "memory"));
  equal("division by zero: signal", info.si_signo, SIGFPE);
  equal("division by zero: si_code", info.si_code, FPE_INTDIV);
  holds("division by zero: si_addr is the instruction", (unsigned long)info.si_addr == rip);
  fault(__asm__ volatile("movl $0x80000000, %%eax\n cdq\n idivl %0" ::"r"(-one) : "eax", "edx", "cc"));
  equal("overflowing division", info.si_signo * 100 + info.si_code, SIGFPE * 100 + FPE_INTDIV);
  fault({
    unsigned mxcsr = 0x1f80 & ~0x200;
    __asm__ volatile("ldmxcsr %0" ::"m"(mxcsr));
    volatile double a = 1, b = 0;
    a = a / b;
  });
  equal("unmasked SSE division", info.si_signo * 100 + info.si_code, SIGFPE * 100 + FPE_FLTDIV);
  fault({
    unsigned short control = 0x37f & ~4;
    __asm__ volatile("fninit\n fldcw %0\n fldz\n fld1\n fdivp\n fwait" ::"m"(control));
  });
  equal("unmasked x87 division", info.si_signo * 100 + info.si_code, SIGFPE * 100 + FPE_FLTDIV);
  __asm__ volatile("fninit");
  unsigned normal = 0x1f80;
  __asm__ volatile("ldmxcsr %0" ::"m"(normal));

  fault(__asm__ volatile("ud2"));
  equal("ud2", info.si_signo * 100 + info.si_code, SIGILL * 100 + ILL_ILLOPN);
  holds("ud2: si_addr is the instruction", (unsigned long)info.si_addr == rip);
  equal("ud2: trapno", trapno, 6);
  fault(__asm__ volatile("int3"));
  equal("int3", info.si_signo * 1000 + info.si_code, SIGTRAP * 1000 + SI_KERNEL);
  equal("int3: trapno", trapno, 3);
  fault(__asm__ volatile("pushf\n orq $0x100, (%rsp)\n popf\n nop\n nop"));
  equal("single step", info.si_signo * 100 + info.si_code, SIGTRAP * 100 + TRAP_TRACE);

  // The handler changes registers, and the program goes on with them.
  skip = 2;
  long rax = 5;
  __asm__ volatile("ud2" : "+a"(rax));
  equal("skipped by the handler, with another rax", rax, 1234);
  skip = 0;

  // A thousand faults, and the mask is as before.
  int count = 0;
  for (int i = 0; i < 1000; i++) {
    fault(*null = 1);
    count += info.si_code == SEGV_MAPERR;
  }
  equal("a thousand faults", count, 1000);
  sigset_t mask;
  sigprocmask(SIG_BLOCK, NULL, &mask);
  equal("not blocked after", sigismember(&mask, SIGSEGV), 0);

  pid_t pid = must(fork());
  if (pid == 0) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGSEGV);
    sigprocmask(SIG_BLOCK, &set, NULL);
    *null = 1;
    _exit(0);
  }
  equal("a blocked fault kills", status_of(pid), 1000 + SIGSEGV);
  pid = must(fork());
  if (pid == 0) {
    signal(SIGSEGV, SIG_IGN);
    *null = 1;
    _exit(0);
  }
  equal("an ignored fault kills", status_of(pid), 1000 + SIGSEGV);
  pid = must(fork());
  if (pid == 0) {
    signal(SIGILL, SIG_DFL);
    __asm__ volatile("ud2");
  }
  equal("default of SIGILL", status_of(pid), 1000 + SIGILL);
  return check_done();
}
