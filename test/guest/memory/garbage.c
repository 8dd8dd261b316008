// Memory calls with arguments of every bad kind: whatever becomes of the caller, the kernel and others live on.
// build: static
#include "../check.h"
#include <sys/resource.h>

#ifndef SYS_mseal
#define SYS_mseal 462
#endif

static unsigned long state;

static unsigned long next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

static unsigned long argument(char *area) {
  switch (next() % 12) {
    case 0: return 0;
    case 1: return -1UL;
    case 2: return 1UL << (next() % 64);
    case 3: return -(1UL << (next() % 64));
    case 4: return next();
    case 5: return next() % 65536;
    case 6: return 0x7fff00000000UL + next() % 0x40000000 / 4096 * 4096;
    case 7: return 0x60000 + next() % 0x100000;
    case 8: return next() % 64;
    case 9: return (unsigned long)area + next() % (64 << 20);
    default: return (unsigned long)area + next() % 16384 * 4096;
  }
}

static const long calls[] = {SYS_mmap,          SYS_munmap,           SYS_mprotect,      SYS_mremap,
                             SYS_madvise,       SYS_msync,            SYS_mincore,       SYS_mlock,
                             SYS_munlock,       SYS_mlock2,           SYS_mlockall,      SYS_munlockall,
                             SYS_brk,           SYS_remap_file_pages, SYS_set_mempolicy, SYS_get_mempolicy,
                             SYS_mbind,         SYS_move_pages,       SYS_memfd_create,  SYS_process_vm_readv,
                             SYS_pkey_mprotect, SYS_mseal,            SYS_pkey_alloc,    SYS_process_vm_writev};

static void round_of(unsigned seed) {
  state = seed * 0x9e3779b97f4a7c15UL + 1;
  struct rlimit limit = {4UL << 30, 4UL << 30};
  setrlimit(RLIMIT_AS, &limit);
  alarm(5);
  char *area = mmap(0, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  for (int i = 0; i < 3000; i++) {
    long nr = calls[next() % (sizeof calls / sizeof calls[0])];
    unsigned long a[6];
    for (int k = 0; k < 6; k++) a[k] = argument(area);
    if (nr == SYS_mmap && next() % 2) {
      a[2] &= 7;
      a[3] = (a[3] & 0x1ff) | MAP_ANONYMOUS | (next() % 2 ? MAP_PRIVATE : MAP_SHARED);
    }
    syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
  }
}

int main(void) {
  for (unsigned seed = 1; seed <= 40; seed++) {
    pid_t pid = fork();
    if (pid == 0) {
      round_of(seed);
      _exit(0);
    }
    int status;
    must(waitpid(pid, &status, 0));
  }
  char *p = malloc(1 << 20);
  memset(p, 7, 1 << 20);
  equal("the parent lives and has memory", p[12345], 7);
  pid_t pid = fork();
  if (pid == 0) _exit(5);
  equal("and children", status_of(pid), 5);
  return check_done();
}
