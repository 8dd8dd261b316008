// Faults of the program itself on arm64: the signal, si_code, si_addr, the syndrome in the frame, going on after it.
// build: static
#include "../../guest/check.h"
#include <asm/sigcontext.h>
#include <setjmp.h>
#include <ucontext.h>

static sigjmp_buf jump;
static siginfo_t info;
static volatile unsigned long syndrome, pc, fault_address;
static volatile int skip;

static void handler(int signal, siginfo_t* i, void* context) {
  ucontext_t* u = context;
  (void)signal;
  info = *i;
  pc = u->uc_mcontext.pc;
  fault_address = u->uc_mcontext.fault_address;
  syndrome = 0;
  char* at = (char*)u->uc_mcontext.__reserved;
  for (struct _aarch64_ctx* head; (head = (struct _aarch64_ctx*)at)->magic != 0; at += head->size)
    if (head->magic == ESR_MAGIC) syndrome = ((struct esr_context*)head)->esr;
  if (skip) {
    u->uc_mcontext.pc += 4;
    u->uc_mcontext.regs[3] = 1234;
    return;
  }
  siglongjmp(jump, 1);
}

#define fault(...)                      \
  do {                                  \
    memset(&info, 0, sizeof info);      \
    if (sigsetjmp(jump, 1) == 0) {      \
      __VA_ARGS__;                      \
      say("FAIL no fault\n");           \
    }                                   \
  } while (0)

static void expect(const char* name, int signal, int code, void* address) {
  char line[100];
  snprintf(line, sizeof line, "%s: signal", name);
  equal(line, info.si_signo, signal);
  snprintf(line, sizeof line, "%s: si_code", name);
  equal(line, info.si_code, code);
  snprintf(line, sizeof line, "%s: si_addr", name);
  equal(line, (long)info.si_addr, (long)address);
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
  equal("the syndrome is a data abort of a write", syndrome >> 26 == 0x24 && (syndrome >> 6 & 1), 1);
  equal("fault_address", fault_address, 0);
  fault((void)*(volatile char*)(0x123456789000 + 5));
  expect("read of nothing", SIGSEGV, SEGV_MAPERR, (void*)(0x123456789000 + 5));
  equal("the syndrome is of a read", syndrome >> 6 & 1, 0);
  equal("fault_address of a read", fault_address, 0x123456789000 + 5);
  char* page = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  (void)*(volatile char*)page;
  fault(*(volatile char*)(page + 100) = 1);
  expect("write to read-only", SIGSEGV, SEGV_ACCERR, page + 100);
  mprotect(page, 4096, PROT_NONE);
  fault((void)*(volatile char*)(page + 7));
  expect("read of PROT_NONE", SIGSEGV, SEGV_ACCERR, page + 7);
  fault(((void (*)(void))(page + 4096))());
  expect("running what isn't code", SIGSEGV, SEGV_ACCERR, page + 4096);
  equal("pc is there", pc, (unsigned long)page + 4096);
  munmap(page, 8192);
  fault(((void (*)(void))page)());
  expect("running what isn't there", SIGSEGV, SEGV_MAPERR, page);
  fault((void)*(volatile char*)0xffff800000000008UL);
  expect("a kernel address", SIGSEGV, SEGV_MAPERR, (void*)0xffff800000000008UL);
  fault((void)*(volatile char*)0xfffffffffffff001UL);
  expect("the last page", SIGSEGV, SEGV_MAPERR, (void*)0xfffffffffffff001UL);
  fault(__asm__ volatile("adr x9, .\n add x9, x9, #2\n br x9" ::: "x9"));
  expect("an odd pc", SIGBUS, BUS_ADRALN, (void*)pc);
  equal("which the context has", pc & 3, 2);

  enter_directory("faults");
  int fd = must(open("f", O_CREAT | O_RDWR, 0600));
  must(ftruncate(fd, 4096));
  char* file = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  fault(*(volatile char*)(file + 4096) = 1);
  expect("past the end of a mapped file", SIGBUS, BUS_ADRERR, file + 4096);

  fault(__asm__ volatile("udf #0"));
  expect("udf", SIGILL, ILL_ILLOPC, (void*)pc);
  fault(__asm__ volatile("brk #7"));
  expect("brk", SIGTRAP, TRAP_BRKPT, (void*)pc);

  skip = 1;
  register long x3 __asm__("x3") = 5;
  __asm__ volatile("udf #0" : "+r"(x3));
  equal("skipped by the handler, with another x3", x3, 1234);
  skip = 0;
  volatile int count = 0;
  for (volatile int i = 0; i < 200; i++) {
    fault(*null = 1);
    count += info.si_code == SEGV_MAPERR;
  }
  equal("two hundred faults", count, 200);
  pid_t pid = must(fork());
  if (pid == 0) {
    signal(SIGILL, SIG_DFL);
    __asm__ volatile("udf #0");
  }
  equal("without a handler it dies of it", status_of(pid), 1000 + SIGILL);
  return check_done();
}
