// mprotect(2): rights that take effect, errnos, partial success before a hole, files' own rights, pkeys.
// build: static
#include "../check.h"
#include <setjmp.h>

#define PAGE 4096UL
#define RW (PROT_READ | PROT_WRITE)
#ifndef PROT_GROWSDOWN
#define PROT_GROWSDOWN 0x01000000
#define PROT_GROWSUP 0x02000000
#endif

static sigjmp_buf back;
static volatile long fault_addr;
static volatile int fault_code;

static void on_fault(int signo, siginfo_t *info, void *context) {
  (void)context;
  fault_addr = (long)info->si_addr;
  fault_code = info->si_code;
  siglongjmp(back, signo);
}

// 0, or the signal of a one-byte access.
static int touch(volatile char *p, int write) {
  int signo = sigsetjmp(back, 1);
  if (signo != 0) return signo;
  if (write) *p = *p + 1;
  else (void)*p;
  return 0;
}

static char *pages(int n) {
  char *p = mmap(0, n * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) exit(1);
  return p;
}

static void rights(void) {
  char *p = pages(4);
  p[PAGE] = 'a';
  succeeds("read only", mprotect(p, 2 * PAGE, PROT_READ));
  equal("reads", touch(p + PAGE, 0), 0);
  equal("faults on write", touch(p + PAGE, 1), SIGSEGV);
  equal("si_addr", fault_addr, (long)(p + PAGE));
  equal("si_code ACCERR", fault_code, SEGV_ACCERR);
  equal("next page writes", touch(p + 2 * PAGE, 1), 0);
  succeeds("none", mprotect(p + PAGE, PAGE, PROT_NONE));
  equal("faults on read", touch(p + PAGE, 0), SIGSEGV);
  equal("page before reads", touch(p, 0), 0);
  succeeds("read-write again", mprotect(p, 4 * PAGE, RW));
  equal("content kept", p[PAGE], 'a');
  equal("writes", touch(p + PAGE, 1), 0);
  // The kernel's own copies obey.
  must(mprotect(p, PAGE, PROT_READ));
  int fd = open("/dev/zero", O_RDONLY);
  fails("read(2) into read-only memory", read(fd, p, 10), EFAULT);
  must(mprotect(p + PAGE, PAGE, PROT_NONE));
  int memfd = memfd_create("x", 0);
  fails("write(2) from PROT_NONE", write(memfd, p + PAGE, 10), EFAULT);
  equal("write(2) from read-only", write(memfd, p, 10), 10);
  equal("read(2) up to the bad page", read(fd, p + 2 * PAGE, PAGE), PAGE);
  must(munmap(p + 3 * PAGE, PAGE));
  touch(p + 3 * PAGE, 0);
  equal("si_code MAPERR", fault_code, SEGV_MAPERR);
  close(fd);
  close(memfd);
}

static void errors(void) {
  char *p = pages(8);
  fails("in a page", mprotect(p + 1, PAGE, PROT_READ), EINVAL);
  fails("unknown rights", mprotect(p, PAGE, 0x40), EINVAL);
  fails("both directions of growth", mprotect(p, PAGE, PROT_READ | PROT_GROWSDOWN | PROT_GROWSUP), EINVAL);
  fails("grows down elsewhere than a stack", mprotect(p, PAGE, PROT_READ | PROT_GROWSDOWN), EINVAL);
  fails("grows up", mprotect(p, PAGE, PROT_READ | PROT_GROWSUP), EINVAL);
  succeeds("length 0", mprotect(p, 0, PROT_NONE));
  equal("which changes nothing", touch(p, 1), 0);
  fails("length that wraps", mprotect(p, -1UL, PROT_READ), ENOMEM);
  succeeds("PROT_SEM", mprotect(p, PAGE, RW | 0x8));
  must(munmap(p + 4 * PAGE, PAGE));
  fails("over a hole", mprotect(p + 2 * PAGE, 4 * PAGE, PROT_READ), ENOMEM);
  equal("areas before the hole are changed", touch(p + 3 * PAGE, 1), SIGSEGV);
  equal("areas behind it are not", touch(p + 5 * PAGE, 1), 0);
  fails("hole first", mprotect(p + 4 * PAGE, 2 * PAGE, PROT_READ), ENOMEM);
  equal("then nothing is changed", touch(p + 5 * PAGE, 1), 0);
}

static void files(void) {
  int fd = memfd_create("f", 0);
  must(ftruncate(fd, 4 * PAGE));
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  int ro = open(name, O_RDONLY);
  char *shared = mmap(0, 2 * PAGE, PROT_READ, MAP_SHARED, ro, 0);
  fails("write to a read-only file's shared mapping", mprotect(shared, PAGE, RW), EACCES);
  char *both = mmap(0, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
  succeeds("write to a read-write file's", mprotect(both, PAGE, RW));
  both[3] = 'q';
  equal("which the other mapping sees", shared[3], 'q');
  char *private = mmap(0, PAGE, PROT_READ, MAP_PRIVATE, ro, 0);
  succeeds("write to a private mapping", mprotect(private, PAGE, RW));
  private[3] = 'z';
  equal("which nobody sees", shared[3], 'q');
  // An area that may not be written ends the walk; what lies before is done.
  char *p = pages(3);
  must((long)mmap(p + PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, ro, 0));
  must(mprotect(p, PAGE, PROT_READ));
  fails("refused in the middle", mprotect(p, 3 * PAGE, RW), EACCES);
  equal("first area writes", touch(p, 1), 0);
}

static void growth(void) {
  char *p = mmap(0, 64 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  must(munmap(p, 64 * PAGE));
  char *stack = mmap(p + 62 * PAGE, 2 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, -1, 0);
  succeeds("PROT_GROWSDOWN", mprotect(stack + PAGE, PAGE, PROT_READ | PROT_GROWSDOWN));
  equal("down to the start", touch(stack, 1), SIGSEGV);
  succeeds("and back", mprotect(stack + PAGE, PAGE, RW | PROT_GROWSDOWN));
  equal("writes", touch(stack, 1), 0);
  // A real stack, as glibc makes it executable.
  char local;
  char *page = (char *)((long)&local & -PAGE);
  succeeds("the stack", mprotect(page, PAGE, RW | PROT_GROWSDOWN));
}

static void keys(void) {
  fails("pkey_alloc flags", syscall(SYS_pkey_alloc, 1, 0), EINVAL);
  fails("pkey_alloc rights", syscall(SYS_pkey_alloc, 0, 0x10), EINVAL);
  fails("pkey_free", syscall(SYS_pkey_free, 17), EINVAL);
  char *p = pages(1);
  succeeds("pkey_mprotect without a key", syscall(SYS_pkey_mprotect, p, PAGE, PROT_READ, -1));
  equal("is mprotect", touch(p, 1), SIGSEGV);
  fails("pkey_mprotect with one", syscall(SYS_pkey_mprotect, p, PAGE, PROT_READ, 17), EINVAL);
}

int main(void) {
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigaction(SIGSEGV, &action, 0);
  rights();
  errors();
  files();
  growth();
  keys();
  return check_done();
}
